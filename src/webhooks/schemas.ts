/** What is sent to and given back by the endpoints of subscribers (contract: Orchest's settings page and API). */
import { z } from "@hono/zod-openapi";
import { standardKeyBytes } from "../send/signature";
import { headersSchema } from "./custom-headers";

const nameCharactersMax = 100;
const urlCharactersMax = 2048;
const secretCharactersMax = 1024;
/** The most subscriptions that a webhook may have. */
export const subscriptionsMax = 1000;
/** Of what is refused by its name. */
const namesShownMax = 3;
const nameCharactersShownMax = 20;
const malformedText = "must be well-formed Unicode: half of a surrogate pair is no character";
const uuidPattern = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;

/** How a body is sent to the receiver. */
const contentTypeSchema = z.enum(["application/json", "application/x-www-form-urlencoded"], {
  error: must("be application/json or application/x-www-form-urlencoded"),
});

/** Accepted and ignored: what the API itself gave back, in the hands of a client that sends it again. */
const ignored = z.unknown().optional().openapi({ description: "Accepted and ignored." });

/** Which deliveries wait for which. */
const orderingSchema = z.enum(["strict", "keyed", "none"], { error: must("be strict, keyed or none") });

const attemptsMax = 100;
const ageSecondsMin = 60;
const ageSecondsMax = 2_592_000;

/** When a delivery is given up. */
const retrySchema = strict("retry", {
  max_attempts: wholeNumber(1, attemptsMax).nullish(),
  max_age_s: wholeNumber(ageSecondsMin, ageSecondsMax).nullish(),
}).openapi("Retry", {
  description:
    "A delivery is given up after so many attempts, or so long after its first one. Null is the default: any number of attempts, 3 days.",
});

const timeoutSecondsMax = 30;
const rateMin = 0.1;
const rateMax = 1000;

/** What is given back and cannot be set. */
export const readOnlyFields = { uuid: ignored, type: ignored, state: ignored, disabled_reason: ignored };

const nullableUuidSchema = z
  .string({ error: must("be a UUID or null") })
  .regex(uuidPattern, "must be a UUID or null")
  .toLowerCase()
  .nullish()
  .openapi({ format: "uuid" });

/** A subscription as it is sent in. Null and absent filters are the same. */
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
    .openapi({ example: "https://hooks.slack.com/services/…" }),
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
    .refine(isUsableSecret, "must have base64 behind whsec_ (Standard Webhooks), or another beginning")
    .openapi({ description: "The key of the signature. Empty: the server makes one." }),
  ordering: orderingSchema.openapi({
    description:
      "strict (the default): one after another. keyed: in order per job, else per project, else per event type. none: as they come.",
  }),
  retry: retrySchema,
  timeout_s: wholeNumber(1, timeoutSecondsMax).openapi({
    description: "How long the receiver may take, reading its answer included. 5 by default.",
  }),
  headers: headersSchema,
  rate_limit_per_s: z
    .number({ error: must(`be a number from ${rateMin} to ${rateMax}`) })
    .min(rateMin, `must be a number from ${rateMin} to ${rateMax}`)
    .max(rateMax, `must be a number from ${rateMin} to ${rateMax}`)
    .openapi({ description: "How many attempts may begin per second: a burst is spread. Null: no limit." }),
  subscriptions: z
    .array(subscriptionSpecSchema, { error: must("be a list of subscriptions") })
    .max(subscriptionsMax, `must be at most ${subscriptionsMax} entries`),
};

/** A webhook as it is sent in to be made. */
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
  rate_limit_per_s: specFields.rate_limit_per_s.nullish(),
  subscriptions: specFields.subscriptions.nullish(),
  ...readOnlyFields,
}).openapi("WebhookSpec");

/** A webhook as it is sent in to be tried out: what it would be subscribed to does not matter. */
export const pingSpecSchema = strict("webhook", {
  ...webhookSpecSchema.shape,
  subscriptions: ignored,
}).openapi("PingSpec");

/** A change to a webhook: what is absent or null stays as it is. */
export const webhookChangesSchema = strict("webhook", {
  ...webhookSpecSchema.shape,
  url: specFields.url.nullish(),
  verify_ssl: specFields.verify_ssl.nullish(),
}).openapi("WebhookChanges");

const graceSecondsMax = 7 * 86_400;

/** A change of the secret with an overlap. */
export const rotationSchema = strict("rotation", {
  secret: specFields.secret.nullish(),
  grace_period_s: wholeNumber(0, graceSecondsMax).default(86_400),
}).openapi("Rotation");

/** A subscription as it is given back. */
const subscriptionSchema = z
  .object({
    uuid: z.string(),
    subscriber_uuid: z.string(),
    event_type: z.string(),
    project_uuid: z.string().nullable(),
    job_uuid: z.string().nullable(),
  })
  .openapi("Subscription");

/** A webhook as it is given back: never its secret, and of its URL only scheme, host and port. */
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
    headers: z.record(z.string(), z.string()).openapi({ description: "Names, with masked values." }),
    rate_limit_per_s: z.number().nullable(),
    state: z.enum(["active", "paused", "disabled"]).openapi({
      description:
        "paused by someone: takes events in and sends nothing. disabled, for disabled_reason: takes nothing in until it is resumed.",
    }),
    disabled_reason: z.string().nullable(),
  })
  .openapi("Webhook");

/** A list of webhooks, without their subscriptions. */
export const subscribersSchema = z.object({ subscribers: z.array(webhookSchema) }).openapi("Subscribers");

/** The uuid in a path. What is no uuid belongs to no webhook, so that it needs no error of its own. */
export const uuidParamSchema = z.object({ uuid: z.string().toLowerCase() });

/** A filter in a query: empty is absent, as Orchest's address template has it. */
export const filterParamSchema = z
  .string()
  .toLowerCase()
  .optional()
  .transform((text) => (text === undefined || text === "" ? null : text));

/** An object whose unknown fields are an error that names them and what is allowed. */
function strict<Shape extends z.core.$ZodLooseShape>(what: string, shape: Shape) {
  const allowed = Object.keys(shape).filter((field) => shape[field] !== ignored);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `unknown ${issue.keys.length === 1 ? "field" : "fields"} ${someOf(issue.keys)}: a ${what} has ${allowed.join(", ")}`
        : `a ${what} must be an object with ${allowed.join(", ")}`,
  });
}

/** The first few names, and each as far as it needs to be recognised. */
function someOf(names: string[]): string {
  const shown = names
    .slice(0, namesShownMax)
    .map((name) => name.slice(0, nameCharactersShownMax).toWellFormed());
  return names.length > namesShownMax ? `${shown.join(", ")}, …` : shown.join(", ");
}

/** What is wrong with a value: `is required and must …` when it is missing, else `must …`. */
function must(rule: string): (issue: { input?: unknown }) => string {
  return (issue) => (issue.input === undefined ? `is required and must ${rule}` : `must ${rule}`);
}

/** A secret that asks to be used as Standard Webhooks says must be one that can be. */
function isUsableSecret(secret: string): boolean {
  return !secret.startsWith("whsec_") || standardKeyBytes(secret) !== null;
}

function wholeNumber(least: number, most: number) {
  const error = must(`be a whole number from ${least} to ${most}`);
  return z.int({ error }).min(least, { error }).max(most, { error });
}

/** What is not cannot be written as UTF-8: the database and the signature would each make something else of it. */
function isWellFormed(text: string): boolean {
  return text.isWellFormed();
}

/** Characters as people count them: code points, not UTF-16 units. */
function fitsName(name: string): boolean {
  return Array.from(name).length <= nameCharactersMax;
}
