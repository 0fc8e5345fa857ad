/** The fields of the message format: the format itself, its options and its template. */
import { type FormatOption, optionsOf } from "../../../send/message/format-options";
import { formatNames, formats } from "../../../send/message/formats";
import { formatOf, isDiscordHost, retiredUrl, serviceOf } from "../../../send/message/recognise-service";
import { maskedValue } from "../../../platform/encryption";
import { described, Field, SelectField, TextField } from "../../parts/field";
import type { FormErrors } from "./form-errors";
import { chosenFormat, type FormValues, optionField } from "./form-values";

const formatOptions = formats.map((format) => [format, formatNames[format]] as const);

/** The values that the fields depend on. `url`: as typed, or else as stored; may be invalid or empty. */
type Chosen = { url: string; values: FormValues; errors: FormErrors };

/** The select of formats. Without scripts, the button loads the fields of the selected format. */
export function FormatField({ values, errors }: Omit<Chosen, "url">) {
  return (
    <div class="format-choice">
      <SelectField
        name="format"
        label="Format"
        value={values.text.format}
        options={formatOptions}
        error={errors.get("format")}
      />
      <noscript>
        <button class="button quiet" type="submit" name="intent" value="format" formaction="#format-fields">
          Show its fields
        </button>
      </noscript>
    </div>
  );
}

/** The options and the template of the chosen format. A script replaces them when `data-format` changes. */
export function FormatFields({ url, values, errors }: Chosen) {
  const format = chosenFormat(values, url);
  const options = optionsOf(format);
  return (
    <div id="format-fields" data-format={format}>
      {(options.length > 0 || format === "template") && (
        <fieldset class="group stack">
          <legend class="visually-hidden">Settings of the format {formatNames[format]}</legend>
          {format === "template" && <TemplateField values={values} error={errors.get("template")} />}
          <div class="grid">
            {options.map((option) => (
              <OptionField option={option} values={values} error={errors.get(optionField(option.name))} />
            ))}
          </div>
        </fieldset>
      )}
    </div>
  );
}

function OptionField({
  option,
  values,
  error,
}: {
  option: FormatOption;
  values: FormValues;
  error?: string;
}) {
  const { name, help, isRequired, secret } = option;
  const value = values.options[name] ?? "";
  const shared = {
    name: optionField(name),
    label: isRequired ? option.label : `${option.label} (optional)`,
    error,
    value,
  };
  if (option.values !== undefined) {
    const choices = option.values.map((one) => [one, one] as const);
    return <SelectField {...shared} hint={help} options={[["", "Default"], ...choices]} />;
  }
  const hint =
    secret && value === maskedValue ? `${help} The stored one is hidden; leave it to keep it.` : help;
  return <TextField {...shared} hint={hint} autocomplete="off" spellcheck="false" />;
}

function TemplateField({ values, error }: { values: FormValues; error?: string }) {
  const field = {
    name: "template",
    hint: (
      <>
        The body of each request. It may use <code>{"{{title}}"}</code>, <code>{"{{outcome}}"}</code>,{" "}
        <code>{"{{link}}"}</code>, <code>{"{{event.project.name}}"}</code>,{" "}
        <code>{"{{json event.project}}"}</code>, <code>{"{{#if}}"}</code> and <code>{"{{#each facts}}"}</code>
        . Everyone who may read webhooks can read it: put keys into custom headers.
      </>
    ),
    error,
  };
  return (
    <Field {...field} label="Template">
      <textarea id="template" name="template" class="code" rows={8} spellcheck={false} {...described(field)}>
        {values.text.template}
      </textarea>
    </Field>
  );
}

/** A notice about the service that was recognised by the URL, and whether it displays messages of the chosen format. */
export function UrlNotice({ url, values }: { url: string; values: FormValues }) {
  const service = serviceOf(url);
  const retired = retiredUrl(url);
  if (retired !== null) return <p class="notice warn">{retired}</p>;
  if (service === "orchest") return null;
  const name = formatNames[isDiscordHost(url) ? "discord" : service];
  const format = chosenFormat(values, url);
  if (format === service) {
    return (
      <p class="notice good">
        {name} recognised by the URL. The preview below shows what people see there. {signatureNote(name)}
      </p>
    );
  }
  return formatOf("auto", url) === service && values.text.format === "auto" ? (
    <p class="notice warn">
      {name} does not show form bodies: choose the content type <code>application/json</code>.
    </p>
  ) : (
    <p class="notice warn">
      This is a URL of {name}, which does not show messages of the format {formatNames[format]}: choose “
      {formatNames.auto}”.
    </p>
  );
}

function signatureNote(name: string): string {
  return `${name} does not verify signatures: the secret is not needed.`;
}
