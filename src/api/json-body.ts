/** The checks of a request that is to carry JSON, before a schema looks at it. */
import type { MiddlewareHandler } from "hono";
import { RequestError } from "../platform/errors";
import { mediaTypeOf } from "./media-type";

/**
 * Middleware of endpoints that take JSON as it is.
 * @throws {RequestError} 415 for a body of another type, or of none.
 */
export const jsonType: MiddlewareHandler<{ Bindings: Env }> = async (c, next) => {
  if (mediaTypeOf(c) !== "application/json") {
    throw new RequestError(415, "The body must be JSON, sent with Content-Type: application/json.");
  }
  await next();
};

/**
 * Middleware of endpoints whose JSON is read by a schema. Schemas drop a field named `__proto__` silently, so that it is
 * refused here, wherever it stands.
 * @throws {RequestError} 415 as above; 400 for such a field.
 */
export const jsonBody: MiddlewareHandler<{ Bindings: Env }> = (c, next) =>
  jsonType(c, async () => {
    if (namesPrototype(parse(await c.req.text()))) {
      throw new RequestError(400, "__proto__: must not be the name of a field, nor of a header.");
    }
    await next();
  });

/** Undefined for what is no JSON: saying so is the schema's. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Without recursion: what is sent in may be nested as deep as it is long. */
function namesPrototype(value: unknown): boolean {
  const left = [value];
  while (left.length > 0) {
    const one = left.pop();
    if (typeof one !== "object" || one === null) continue;
    if (Object.hasOwn(one, "__proto__")) return true;
    for (const inner of Object.values(one)) left.push(inner);
  }
  return false;
}
