/** What a request says that its body is. */
import type { Context } from "hono";

/** @returns the media type without its parameters, in lower case as it compares (RFC 9110, 8.3.1); undefined without one. */
export function mediaTypeOf(c: Context): string | undefined {
  return c.req.header("Content-Type")?.split(";")[0]?.trim().toLowerCase();
}
