/** Who may call the API: whoever has one of the tokens in `API_TOKENS`. */
import type { MiddlewareHandler } from "hono";
import { bearerAuth } from "hono/bearer-auth";
import { HTTPException } from "hono/http-exception";
import { readConfig } from "../config";

/** Orchest's own webhook cannot send a token: this one path verifies the body's signature instead. */
const signedPath = "/api/events/orchest";

const authorize = bearerAuth<{ Bindings: Env }>({
  verifyToken: (token, c) => isKnownToken(token, readConfig(c.env).apiTokens),
  noAuthenticationHeader: {
    message: refusal('Bearer realm="api"', "A token is required. Send it as Authorization: Bearer <token>."),
  },
  invalidAuthenticationHeader: {
    message: refusal(
      'Bearer realm="api", error="invalid_request"',
      "The Authorization header is malformed. Send Authorization: Bearer <token>.",
    ),
  },
  invalidToken: {
    message: refusal('Bearer realm="api", error="invalid_token"', "The token is not valid."),
  },
});

/**
 * Middleware of everything under `/api`.
 * @throws {HTTPException} 401 with a challenge, when the token is missing, malformed or unknown.
 */
export const requireToken: MiddlewareHandler<{ Bindings: Env }> = (c, next) => {
  if (c.req.method === "POST" && c.req.path === signedPath) return next();
  return authorize(c, next);
};

/** hono answers a malformed header with 400 and all of them with text: this makes both a 401 for `onError`. */
function refusal(challenge: string, message: string): () => never {
  return () => {
    const res = new Response(null, { status: 401, headers: { "WWW-Authenticate": challenge } });
    throw new HTTPException(401, { message, res });
  };
}

/** Compares hashes, all of them and in constant time, so that timing tells nothing about a token. */
async function isKnownToken(token: string, known: readonly string[]): Promise<boolean> {
  const given = await sha256(token);
  const hashes = await Promise.all(known.map(sha256));
  return hashes.filter((hash) => crypto.subtle.timingSafeEqual(hash, given)).length > 0;
}

function sha256(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
