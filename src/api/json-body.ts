/** Checks of JSON requests that run before schema validation. */
import type { MiddlewareHandler } from "hono";
import { RequestError } from "../platform/errors";
import { mediaTypeOf } from "./media-type";

/**
 * Middleware for endpoints that read a JSON body as text.
 * @throws {RequestError} 415 when the Content-Type is missing or not JSON.
 */
export const jsonType: MiddlewareHandler<{ Bindings: Env }> = async (c, next) => {
  if (mediaTypeOf(c) !== "application/json") {
    throw new RequestError(415, "The body must be JSON, sent with Content-Type: application/json.", {
      headers: { Accept: "application/json" },
    });
  }
  await next();
};

/**
 * Middleware for endpoints that validate a JSON body with a schema. It rejects fields named `__proto__` at any depth,
 * because zod drops them silently.
 * @throws {RequestError} 415 as above; 400 for such a field.
 */
export const jsonBody: MiddlewareHandler<{ Bindings: Env }> = (c, next) =>
  jsonType(c, async () => {
    if (hasProtoField(parse(await c.req.text()))) {
      throw new RequestError(400, "__proto__: must not be the name of a field or header.");
    }
    await next();
  });

/** @returns undefined for invalid JSON, which the schema validation reports. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Whether a value contains a field `__proto__`. Iterative, because a request may be nested too deeply for recursion.
 */
function hasProtoField(value: unknown): boolean {
  const left = [value];
  while (left.length > 0) {
    const one = left.pop();
    if (typeof one !== "object" || one === null) continue;
    if (Object.hasOwn(one, "__proto__")) return true;
    for (const inner of Object.values(one)) left.push(inner);
  }
  return false;
}
