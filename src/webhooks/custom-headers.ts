/** Custom headers of a webhook: what may be set, and how it is shown. */
import { z } from "@hono/zod-openapi";
import { FieldError } from "../platform/errors";
import { maskedValue } from "../platform/masked-value";
import { isReserved } from "./reserved-headers";

const headersMax = 20;
const nameCharactersMax = 100;
const valueCharactersMax = 1024;

/** Fewer than RFC 9110, 5.6.2 allows. */
const nameForm = /^[A-Za-z0-9_-]+$/;
/** RFC 9110, 5.5, in ASCII: visible characters with spaces and tabs between them. */
const fieldValue = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/;

const nameSchema = z
  .string()
  .max(nameCharactersMax, `a header's name must be at most ${nameCharactersMax} characters`)
  .regex(
    nameForm,
    "a header's name must consist only of letters, digits, - and _: other characters are dropped or refused on the way to many receivers, and mean something to the shells that a request is copied to",
  )
  .refine((name) => name !== "__proto__", "__proto__ must not be the name of a header: many programs drop it")
  .refine(
    (name) => !isReserved(name),
    "this header is set by the gateway, by HTTP itself, by browsers or by proxies: take another name",
  );

const valueSchema = z
  .string({ error: "a header's value must be a string" })
  .max(valueCharactersMax, `a header's value must be at most ${valueCharactersMax} characters`)
  .regex(fieldValue, "a header's value must be visible ASCII, with single lines and no space at its ends");

const recordSchema = z
  .record(z.string(), valueSchema, { error: "must be an object of header names and values" })
  .refine((headers) => Object.keys(headers).length <= headersMax, `must be at most ${headersMax} headers`)
  .refine(hasDistinctNames, "must not name a header twice (upper and lower case are the same)");

/** Custom headers as they are sent in. Names are looked at before the values, as a record drops `__proto__` silently. */
export const headersSchema = z
  .preprocess((headers, context) => {
    for (const name of Object.keys(headers ?? {})) {
      const [issue] = nameSchema.safeParse(name).error?.issues ?? [];
      if (issue) context.addIssue({ code: "custom", message: issue.message, path: [name] });
    }
    return headers;
  }, recordSchema)
  .openapi({
    description: `Sent with every delivery. Values are secrets: they are given back as ${maskedValue}, and that, sent in, leaves a value as it is. A stored value is sent only to the scheme, host and port that it was given for: when the URL's change, each header must be typed again or left out.`,
    example: { Authorization: "Bearer …" },
  });

/** How a webhook's headers are given back. */
export function maskHeaders(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, maskedValue]));
}

/**
 * Takes a new set of headers over the stored one: masked values stay what they are.
 * @param stored The values that may stay: none where they were given for another origin.
 * @throws {FieldError} naming the headers whose value is masked and may not stay.
 */
export function mergeHeaders(
  stored: Record<string, string>,
  sent: Record<string, string>,
): Record<string, string> {
  const byLowerName = new Map(Object.entries(stored).map(([name, value]) => [name.toLowerCase(), value]));
  const merged = Object.entries(sent).map(([name, value]): [string, string | undefined] => [
    name,
    value === maskedValue ? byLowerName.get(name.toLowerCase()) : value,
  ]);
  const missing = merged.flatMap(([name, value]) => (value === undefined ? [name] : []));
  if (missing.length > 0) {
    throw new FieldError(
      "headers",
      `type the value of ${missing.join(", ")} again, or leave the header out: ${maskedValue} stands for a stored value, and those are sent only to the scheme, host and port that they were given for.`,
    );
  }
  return Object.fromEntries(merged.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function hasDistinctNames(headers: Record<string, string>): boolean {
  const names = Object.keys(headers);
  return new Set(names.map((name) => name.toLowerCase())).size === names.length;
}
