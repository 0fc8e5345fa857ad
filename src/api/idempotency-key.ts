/** The request header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header). */
import type { Context, MiddlewareHandler } from "hono";
import type { AppEnv } from "../auth/app-env";
import { RequestError } from "../platform/errors";

const header = "Idempotency-Key";
const charactersMax = 255;
const keyPattern = new RegExp(`^[\\x20-\\x7e]{1,${charactersMax}}$`);
/** The only path that uses the header. */
const publishPath = "/api/events";

/**
 * Middleware for `/api/*`. A client that sends a key relies on it, so that a key that would be ignored is refused. PUT
 * and DELETE are idempotent without a key.
 * @throws {RequestError} 400 for a POST with a key to another path than the publish endpoint, or with a malformed key.
 */
export const checkIdempotencyKey: MiddlewareHandler<AppEnv> = async (c, next) => {
  const key = c.req.header(header);
  if (key !== undefined && c.req.method === "POST") {
    if (c.req.path !== publishPath) {
      throw new RequestError(
        400,
        `${header}: is used by POST ${publishPath} only. Send this request without it.`,
      );
    }
    if (!keyPattern.test(key)) {
      throw new RequestError(400, `${header}: must be 1 to ${charactersMax} printable ASCII characters.`);
    }
  }
  await next();
};

/**
 * @param c of a request that passed `checkIdempotencyKey`. @returns the key, without the quotes of a Structured Field;
 *   null when there is none.
 */
export function idempotencyKey(c: Context<AppEnv>): string | null {
  return c.req.header(header)?.replace(/^"(.*)"$/, "$1") ?? null;
}
