/** Schemas of a webhook's message format, its options and its template in requests. */
import { z } from "@hono/zod-openapi";
import { maskedValue } from "../platform/masked-value";
import { formats } from "../send/message/formats";

const optionsMax = 20;
const optionName = /^[a-z][a-z0-9_]{0,39}$/;
const optionNameRule =
  "an option's name must be at most 40 lower-case letters, digits and _, starting with a letter";
const valueCharactersMax = 500;
const templateCharactersMax = 10_000;

const formatRule = `must be one of ${formats.join(", ")}`;

/** The message format of a webhook. */
export const formatSchema = z.enum(formats, { error: formatRule }).openapi({
  description:
    "What receivers get. auto (the default): a message of the chat or alerting service that the URL belongs to, and orchest for every other URL. orchest: the event as JSON or form, as Orchest sends it. cloudevents: a CloudEvent in structured JSON. template: the body that template makes.",
});

const valueSchema = z
  .string({ error: "an option's value must be a string, or null to remove it" })
  .max(valueCharactersMax, `an option's value must be at most ${valueCharactersMax} characters`)
  .nullable();

/**
 * The format options of a request. Names are validated before parsing, because the error of zod's record for a name
 * says only that it is invalid.
 */
export const formatOptionsSchema = z
  .preprocess(
    (options, context) => {
      for (const name of Object.keys(options ?? {})) {
        if (!optionName.test(name))
          context.addIssue({ code: "custom", message: optionNameRule, path: [name] });
      }
      return options;
    },
    z
      .record(z.string(), valueSchema, { error: "must be an object of option names and values, or null" })
      .refine(
        (options) => Object.keys(options).length <= optionsMax,
        `must be at most ${optionsMax} options`,
      ),
  )
  .openapi({
    description: `What the format needs beside the URL, such as PagerDuty's routing_key or Telegram's chat_id. Values are secrets: responses have ${maskedValue} instead, and a request with ${maskedValue} keeps the stored value. An option that is left out or null is removed. Keys and other credentials are sent only to the scheme, host and port that they were entered for.`,
    example: { routing_key: "…" },
  });

/** The template of a request. */
export const templateSchema = z
  .string({ error: "must be a string" })
  .max(templateCharactersMax, `must be at most ${templateCharactersMax} characters`)
  .openapi({
    description: `The text that makes the body, for the format template only. Shown to everyone who may read the webhook, and as ${maskedValue} in lists; ${maskedValue} keeps the stored one.`,
  });
