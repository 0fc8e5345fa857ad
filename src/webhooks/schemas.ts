/**
 * Schemas of the requests and responses about webhooks. The contract of Orchest's API and settings page decides fields,
 * defaults and errors.
 */
import { z } from "@hono/zod-openapi";
import { standardKeyBytes } from "../send/signature";
import { headersSchema } from "./custom-headers";
import { formatOptionsSchema, formatSchema, templateSchema } from "./format-schemas";

const nameCharactersMax = 100;
const urlCharactersMax = 2048;
const secretCharactersMax = 1024;
/** The most subscriptions that a webhook may have. */
export const subscriptionsMax = 1000;
/** How many unknown fields a validation error names, and how many characters of each. */
const namesShownMax = 3;
const nameCharactersShownMax = 20;
const malformedText = "must be well-formed Unicode, without unpaired surrogates";
const uuidPattern = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;

/** The content type of deliveries in Orchest's format. */
const contentTypeSchema = z.enum(["application/json", "application/x-www-form-urlencoded"], {
  error: must("be application/json or application/x-www-form-urlencoded"),
});

/** Read-only fields, which are accepted so that clients can send a response back. */
const ignored = z.unknown().optional().openapi({ description: "Accepted and ignored." });

/** The ordering of deliveries. */
const orderingSchema = z.enum(["strict", "keyed", "none"], { error: must("be strict, keyed or none") });

const attemptsMax = 100;
const ageSecondsMin = 60;
const ageSecondsMax = 2_592_000;

/** The limits of retries. */
const retrySchema = strict("retry", {
  max_attempts: wholeNumber(1, attemptsMax).nullish(),
  max_age_s: wholeNumber(ageSecondsMin, ageSecondsMax).nullish(),
}).openapi("Retry", {
  description:
    "A delivery becomes a dead letter after max_attempts attempts, or max_age_s seconds after its first one. Null is the default: any number of attempts, 3 days.",
});

const digestSecondsMax = 3600;
const egressCharactersMax = 32;
const timeoutSecondsMax = 30;
const rateMin = 0.1;
const rateMax = 1000;

/** The fields of a webhook that responses have and requests cannot set. */
export const readOnlyFields = { uuid: ignored, type: ignored, state: ignored, disabled_reason: ignored };

const nullableUuidSchema = z
  .string({ error: must("be a UUID or null") })
  .regex(uuidPattern, "must be a UUID or null")
  .toLowerCase()
  .nullish()
  .openapi({ format: "uuid" });

/** A subscription in a request. Null and absent filters mean "any". */
export const subscriptionSpecSchema = strict("subscription", {
  event_type: z
    .string({ error: must("be the name of an event type") })
    .openapi({ example: "project:one-off-job:pipeline-run:failed" }),
  project_uuid: nullableUuidSchema,
  job_uuid: nullableUuidSchema,
  uuid: ignored,
  subscriber_uuid: ignored,
}).openapi("SubscriptionSpec");

const specFields = {
  url: z
    .string({ error: must("be an absolute http or https URL") })
    .max(urlCharactersMax, `must be at most ${urlCharactersMax} characters`)
    .openapi({ example: "https://hooks.example.com/services/T000/B000" }),
  name: z
    .string({ error: must("be a string") })
    .refine(fitsName, `must be at most ${nameCharactersMax} characters`)
    .refine(isWellFormed, malformedText)
    .openapi({ maxLength: nameCharactersMax }),
  verify_ssl: z.boolean({ error: must("be true or false") }),
  content_type: contentTypeSchema,
  secret: z
    .string({ error: must("be a string") })
    .max(secretCharactersMax, `must be at most ${secretCharactersMax} characters`)
    .refine(isWellFormed, malformedText)
    .refine(
      isUsableSecret,
      "must be base64 after whsec_ (Standard Webhooks), with its padding, or not start with whsec_",
    )
    .openapi({ description: "The key of the signatures. Empty: the gateway generates one." }),
  ordering: orderingSchema.openapi({
    description:
      "strict (the default): one delivery after another. keyed: in order per job, else per project, else per event type. none: no order.",
  }),
  retry: retrySchema,
  timeout_s: wholeNumber(1, timeoutSecondsMax).openapi({
    description: "The timeout of an attempt in seconds, including reading the response. Null: 5.",
  }),
  headers: headersSchema,
  rate_limit_per_s: z
    .number({ error: must(`be a number from ${rateMin} to ${rateMax}`) })
    .min(rateMin, `must be a number from ${rateMin} to ${rateMax}`)
    .max(rateMax, `must be a number from ${rateMin} to ${rateMax}`)
    .openapi({ description: "How many attempts may start per second. Bursts are spread. Null: no limit." }),
  digest_s: wholeNumber(0, digestSecondsMax).openapi({
    description:
      "For how many seconds after it was accepted a delivery waits, so that those behind it share its message: “12 runs failed in Sales”, and the first of them. Each stays a delivery of its own in the log. 0 and null: each has its own message. Requires the ordering strict and a format of messages for people: slack, discord, teams, google_chat, mattermost, telegram or ntfy, also as what auto stands for.",
  }),
  egress: z
    .string({ error: must("be the name of an egress, direct or empty") })
    .max(egressCharactersMax, `must be at most ${egressCharactersMax} characters`)
    .openapi({
      description:
        "The egress that deliveries go through, of those in the setting EGRESS. direct: none. Empty: the first that fits.",
    }),
  subscriptions: z
    .array(subscriptionSpecSchema, { error: must("be a list of subscriptions") })
    .max(subscriptionsMax, `must be at most ${subscriptionsMax} entries`),
};

const exampleSpec = {
  url: "https://hooks.example.com/services/T000/B000",
  name: "Failed jobs",
  verify_ssl: true,
  subscriptions: [{ event_type: "project:one-off-job:pipeline-run:failed" }],
};

/** The request to create a webhook. */
export const webhookSpecSchema = strict("webhook", {
  url: specFields.url,
  name: specFields.name.nullish(),
  verify_ssl: specFields.verify_ssl,
  content_type: specFields.content_type.nullish(),
  secret: specFields.secret.nullish(),
  ordering: specFields.ordering.nullish(),
  retry: specFields.retry.nullish(),
  timeout_s: specFields.timeout_s.nullish(),
  headers: specFields.headers.nullish(),
  format: formatSchema.nullish(),
  format_options: formatOptionsSchema.nullish(),
  template: templateSchema.nullish(),
  rate_limit_per_s: specFields.rate_limit_per_s.nullish(),
  digest_s: specFields.digest_s.nullish(),
  egress: specFields.egress.nullish(),
  subscriptions: specFields.subscriptions.nullish(),
  ...readOnlyFields,
}).openapi("WebhookSpec", { example: exampleSpec });

/** The request for a test ping to a webhook that does not exist yet. Subscriptions are ignored. */
export const pingSpecSchema = strict("webhook", {
  ...webhookSpecSchema.shape,
  subscriptions: ignored,
}).openapi("PingSpec", { example: exampleSpec });

/** The request to change a webhook. Fields that are absent or null keep their values, except `format_options`, which null clears. */
export const webhookChangesSchema = strict("webhook", {
  ...webhookSpecSchema.shape,
  url: specFields.url.nullish(),
  verify_ssl: specFields.verify_ssl.nullish(),
}).openapi("WebhookChanges", { example: { name: "Failed jobs", timeout_s: 10 } });

const graceSecondsMax = 7 * 86_400;

/** The request to rotate a secret, with the grace period of the previous one. */
export const rotationSchema = strict("rotation", {
  secret: specFields.secret.nullish(),
  grace_period_s: wholeNumber(0, graceSecondsMax).default(86_400),
  hub: z
    .enum(["previous", "new"], { error: must("be previous or new") })
    .default("previous")
    .openapi({
      description:
        "The secret that signs X-Hub-Signature during the grace period. previous (the default): receivers that know one secret change over at its end. new: at once.",
    }),
}).openapi("Rotation", { example: { grace_period_s: 86_400, hub: "previous" } });

/** A subscription in a response. */
const subscriptionSchema = z
  .object({
    uuid: z.string(),
    subscriber_uuid: z.string(),
    event_type: z.string(),
    project_uuid: z.string().nullable(),
    job_uuid: z.string().nullable(),
  })
  .openapi("Subscription");

/** A webhook in a response, without its secret, and with only the scheme, host and port of its URL. */
export const webhookSchema = z
  .object({
    uuid: z.string(),
    type: z.literal("webhook"),
    url: z.string().openapi({ example: "https://hooks.slack.com" }),
    name: z.string(),
    verify_ssl: z.boolean(),
    content_type: contentTypeSchema,
    subscriptions: z.array(subscriptionSchema),
    ordering: orderingSchema,
    retry: z.object({ max_attempts: z.int().nullable(), max_age_s: z.int().nullable() }),
    timeout_s: z.int().nullable(),
    headers: z
      .record(z.string(), z.string())
      .openapi({ description: "The names of the headers, with masked values." }),
    format: formatSchema,
    format_options: z
      .record(z.string(), z.string())
      .openapi({ description: "The names of the format's options, with masked values." }),
    template: z
      .string()
      .nullable()
      .openapi({ description: "Null for every other format than template; masked in lists." }),
    rate_limit_per_s: z.number().nullable(),
    digest_s: z.int().openapi({ description: "0: each delivery has its own message." }),
    egress: z.string().nullable().openapi({ description: "Null: the first egress that fits, or none." }),
    state: z.enum(["active", "paused", "disabled"]).openapi({
      description:
        "paused: accepts events and sends them once it is resumed. disabled, for disabled_reason: accepts no events until it is resumed.",
    }),
    disabled_reason: z.string().nullable(),
  })
  .openapi("Webhook");

/** The secret that the gateway generated. */
export const generatedSecretSchema = z.string().optional().openapi({
  description: "The secret, if the gateway generated it. It is shown in this response only.",
});

/** A webhook that was just created. */
export const createdWebhookSchema = webhookSchema
  .extend({ secret: generatedSecretSchema })
  .openapi("CreatedWebhook");

/** All webhooks, without their subscriptions. */
export const subscribersSchema = z.object({ subscribers: z.array(webhookSchema) }).openapi("Subscribers");

const exampleUuid = "694bfe1b-0f4a-4c2b-91b2-3f5f4b9c3a10";

/** The uuid of a webhook in a path. Its form is not validated: a malformed uuid is a 404, as no webhook has it. */
export const uuidParamSchema = z.object({
  uuid: z.string().toLowerCase().openapi({ description: "The webhook's uuid.", example: exampleUuid }),
});

/** An optional filter in a query. Empty means absent, because Orchest's clients send empty parameters. */
export const filterParamSchema = z
  .string()
  .toLowerCase()
  .optional()
  .transform((text) => (text === undefined || text === "" ? null : text));

/**
 * @param what the object's name in errors. @returns a schema of an object without unknown fields. Its error names the
 *   unknown and the allowed fields.
 */
function strict<Shape extends z.core.$ZodLooseShape>(what: string, shape: Shape) {
  const allowed = Object.keys(shape).filter((field) => shape[field] !== ignored);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `unknown ${issue.keys.length === 1 ? "field" : "fields"} ${firstNames(issue.keys)}: a ${what} has the fields ${allowed.join(", ")}`
        : `a ${what} must be an object with the fields ${allowed.join(", ")}`,
  });
}

/** @returns the first few names, each shortened. */
function firstNames(names: string[]): string {
  const shown = names
    .slice(0, namesShownMax)
    .map((name) => name.slice(0, nameCharactersShownMax).toWellFormed());
  return names.length > namesShownMax ? `${shown.join(", ")}, …` : shown.join(", ");
}

/** @returns the error for a value: `is required and must …` when it is missing, otherwise `must …`. */
function must(rule: string): (issue: { input?: unknown }) => string {
  return (issue) => (issue.input === undefined ? `is required and must ${rule}` : `must ${rule}`);
}

/**
 * Whether a secret with the prefix of Standard Webhooks contains a key that the libraries of all languages can read:
 * those for Go and Rust refuse base64 without padding, with blanks, or with left-over bits. Secrets without the prefix
 * are always usable.
 */
function isUsableSecret(secret: string): boolean {
  const key = standardKeyBytes(secret);
  return !secret.startsWith("whsec_") || (key !== null && secret === `whsec_${key.toBase64()}`);
}

function wholeNumber(least: number, most: number) {
  const error = must(`be a whole number from ${least} to ${most}`);
  return z.int({ error }).min(least, { error }).max(most, { error });
}

/**
 * Malformed text cannot be encoded as UTF-8: the database and the signature would replace the surrogates differently.
 */
function isWellFormed(text: string): boolean {
  return text.isWellFormed();
}

/** Counts code points, not UTF-16 units. */
function fitsName(name: string): boolean {
  return Array.from(name).length <= nameCharactersMax;
}
