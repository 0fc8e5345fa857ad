/** API tokens in responses. */
import type { z } from "@hono/zod-openapi";
import type { StoredToken } from "../../auth/tokens";
import { isoTime, isoTimeOrNull } from "../../platform/time";
import type { tokenSchema } from "./schemas";

/** @returns a token's fields, without the token itself and its hash. */
export function tokenResponse(token: StoredToken): z.output<typeof tokenSchema> {
  return {
    id: token.uuid,
    name: token.name,
    scopes: token.scopes,
    created_at: isoTime(token.createdAt),
    expires_at: isoTimeOrNull(token.expiresAt),
    last_used_at: isoTimeOrNull(token.lastUsedAt),
    revoked_at: isoTimeOrNull(token.revokedAt),
  };
}
