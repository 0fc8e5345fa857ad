/** A webhook's custom headers: validation and masking. */
import { z } from "@hono/zod-openapi";
import { FieldError } from "../platform/errors";
import { maskedValue } from "../platform/masked-value";
import { isReserved } from "./reserved-headers";

const headersMax = 20;
const nameCharactersMax = 100;
const valueCharactersMax = 1024;

/** The allowed names: a subset of the tokens of RFC 9110, 5.6.2. */
const nameForm = /^[A-Za-z0-9_-]+$/;
/** RFC 9110, 5.5, in ASCII: visible characters with spaces and tabs between them. */
const fieldValue = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/;

const nameSchema = z
  .string()
  .max(nameCharactersMax, `a header's name must be at most ${nameCharactersMax} characters`)
  .regex(
    nameForm,
    "a header's name must consist only of letters, digits, - and _: many proxies drop or refuse other characters, and shells interpret them when a request is copied as curl",
  )
  .refine((name) => name !== "__proto__", "__proto__ must not be the name of a header: many programs drop it")
  .refine(
    (name) => !isReserved(name),
    "this header is set by the gateway, HTTP, browsers or proxies: choose another name",
  );

const valueSchema = z
  .string({ error: "a header's value must be a string" })
  .max(valueCharactersMax, `a header's value must be at most ${valueCharactersMax} characters`)
  .regex(
    fieldValue,
    "a header's value must be one line of visible ASCII characters, without leading or trailing spaces",
  );

const recordSchema = z
  .record(z.string(), valueSchema, { error: "must be an object of header names and values" })
  .refine((headers) => Object.keys(headers).length <= headersMax, `must be at most ${headersMax} headers`)
  .refine(hasDistinctNames, "must not name a header twice (upper and lower case are the same)");

/** The custom headers of a request. Names are validated before parsing, because zod's record drops `__proto__` silently. */
export const headersSchema = z
  .preprocess((headers, context) => {
    for (const name of Object.keys(headers ?? {})) {
      const [issue] = nameSchema.safeParse(name).error?.issues ?? [];
      if (issue) context.addIssue({ code: "custom", message: issue.message, path: [name] });
    }
    return headers;
  }, recordSchema)
  .openapi({
    description: `Sent with every delivery. Values are secrets: responses have ${maskedValue} instead, and a request with ${maskedValue} keeps the stored value. A stored value is sent only to the scheme, host and port that it was entered for: when those of the URL change, each value must be sent again or its header left out.`,
    example: { Authorization: "Bearer example" },
  });

/** @returns headers with these names and masked values. */
export function maskHeaders(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, maskedValue]));
}

/**
 * Replaces the stored headers with those of a request, where a masked value keeps the stored one.
 * @param stored the headers that may be kept; empty when the origin changes.
 * @throws {FieldError} naming the headers that have a masked value and no stored one.
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
      `enter the value of ${missing.join(", ")} again, or leave the header out: ${maskedValue} stands for a stored value, which is sent only to the scheme, host and port that it was entered for.`,
    );
  }
  return Object.fromEntries(merged.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function hasDistinctNames(headers: Record<string, string>): boolean {
  const names = Object.keys(headers);
  return new Set(names.map((name) => name.toLowerCase())).size === names.length;
}
