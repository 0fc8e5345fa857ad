/** Custom headers of a webhook: what may be set, and how it is shown. */
import { z } from "@hono/zod-openapi";
import { FieldError } from "../../errors";
import { maskedValue } from "../../sealing";

const headersMax = 20;
const nameCharactersMax = 100;
const valueCharactersMax = 1024;

/** RFC 9110, 5.6.2. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 9110, 5.5, in ASCII: visible characters with spaces and tabs between them. */
const fieldValue = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/;

/** Set by the gateway, by HTTP or by Cloudflare. */
const reserved = new Set([
  "accept-encoding",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "expect",
  "host",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "user-agent",
  "x-hub-signature",
]);
const reservedPrefixes = ["cf-", "webhook-", "x-orchest-", "x-forwarded-"];

const nameSchema = z
  .string()
  .max(nameCharactersMax, `a header's name must be at most ${nameCharactersMax} characters`)
  .regex(token, "a header's name must be a token of RFC 9110")
  .refine(isFree, "this header is set by the gateway: take another name");

const valueSchema = z
  .string({ error: "a header's value must be a string" })
  .max(valueCharactersMax, `a header's value must be at most ${valueCharactersMax} characters`)
  .regex(fieldValue, "a header's value must be visible ASCII, with single lines and no space at its ends");

/** Custom headers as they are sent in. */
export const headersSchema = z
  .record(z.string(), valueSchema, { error: "must be an object of header names and values" })
  .superRefine((headers, context) => {
    for (const name of Object.keys(headers)) {
      const [issue] = nameSchema.safeParse(name).error?.issues ?? [];
      if (issue) context.addIssue({ code: "custom", message: issue.message, path: [name] });
    }
  })
  .refine((headers) => Object.keys(headers).length <= headersMax, `must be at most ${headersMax} headers`)
  .refine(hasDistinctNames, "must not name a header twice (upper and lower case are the same)")
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

function isFree(name: string): boolean {
  const lower = name.toLowerCase();
  return !reserved.has(lower) && !reservedPrefixes.some((prefix) => lower.startsWith(prefix));
}

function hasDistinctNames(headers: Record<string, string>): boolean {
  const names = Object.keys(headers);
  return new Set(names.map((name) => name.toLowerCase())).size === names.length;
}
