/** The media type of a request's body. */
import type { Context } from "hono";

/** @returns the media type without parameters, in lower case (RFC 9110, 8.3.1); undefined without a Content-Type. */
export function mediaTypeOf(c: Context): string | undefined {
  return c.req.header("Content-Type")?.split(";")[0]?.trim().toLowerCase();
}
