/** Refuses compressed bodies. */
import type { MiddlewareHandler } from "hono";
import { RequestError } from "../platform/errors";

/**
 * Middleware for all routes that read a body. Bodies are not decompressed, since a small one could become a huge one.
 * @throws {RequestError} 415 with `Accept-Encoding: identity` (RFC 9110, 12.5.3) for any `Content-Encoding` but `identity`.
 */
export const uncompressedOnly: MiddlewareHandler = async (c, next) => {
  const codings = (c.req.header("Content-Encoding") ?? "").split(",").map((coding) => coding.trim());
  if (codings.some((coding) => coding !== "" && coding.toLowerCase() !== "identity")) {
    throw new RequestError(415, "The body must not be compressed: send it without Content-Encoding.", {
      headers: { "Accept-Encoding": "identity" },
    });
  }
  await next();
};
