/** The check that a request claims to carry JSON, before anything reads its body. */
import type { MiddlewareHandler } from "hono";
import { RequestError } from "../errors";

/**
 * Middleware of endpoints that take JSON.
 * @throws {RequestError} 415 for a body of another type, or of none.
 */
export const jsonBody: MiddlewareHandler<{ Bindings: Env }> = async (c, next) => {
  const mediaType = c.req.header("Content-Type")?.split(";")[0]?.trim().toLowerCase();
  if (mediaType !== "application/json") {
    throw new RequestError(415, "The body must be JSON, sent with Content-Type: application/json.");
  }
  await next();
};
