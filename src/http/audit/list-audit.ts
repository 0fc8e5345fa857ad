/** `GET /api/audit`: who changed what. */
import { createRoute, z } from "@hono/zod-openapi";
import { type AuditEntry, listAuditEntries } from "../../db/audit";
import { cursorParamSchema, limitParamSchema, nextCursor, nextCursorSchema } from "../list-params";
import { messageAnswer } from "../message";
import { needs } from "../needs";
import type { Router } from "../router";
import { isoTime, timeSchema } from "../time";
import { auditActions } from "./audit";

const entrySchema = z
  .object({
    id: z.int(),
    at: timeSchema,
    actor: z.string().openapi({
      description: "token:<id>, bootstrap:<start of the hash of a token in API_TOKENS> or access:<e-mail>.",
    }),
    actor_name: z.string().openapi({ description: "The name that it had then." }),
    action: z.string().openapi({ examples: [...auditActions] }),
    target: z.string().nullable().openapi({
      description: "The uuid of the webhook or token, or the id of the rejected message.",
    }),
    detail: z.string().nullable().openapi({
      description: "The uuid of the delivery, the id of the replay, or the names of the changed fields.",
    }),
    address: z.string().nullable().openapi({ description: "The client's, as Cloudflare saw it." }),
  })
  .openapi("AuditEntry");

const auditSchema = z
  .object({ entries: z.array(entrySchema), next_cursor: nextCursorSchema })
  .openapi("Audit");

const route = createRoute({
  method: "get",
  path: "/api/audit",
  security: needs("admin"),
  tags: ["Access"],
  summary: "Who changed what",
  description: "Newest first. It holds no secret, and reaches back 400 days.",
  request: { query: z.object({ limit: limitParamSchema, cursor: cursorParamSchema }) },
  responses: {
    200: { description: "A page.", content: { "application/json": { schema: auditSchema } } },
    400: messageAnswer("What is wrong with the query."),
  },
});

/** Adds the endpoint to `router`. */
export function listAudit(router: Router): void {
  router.openapi(route, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const { rows, next } = await listAuditEntries(c.env, { limit, before: cursor });
    const entries = rows.map(entryAnswer);
    return c.json({ entries, next_cursor: nextCursor(next) }, 200);
  });
}

function entryAnswer(entry: AuditEntry): z.output<typeof entrySchema> {
  const { id, at, actor, actorName, action, target, detail, address } = entry;
  return { id, at: isoTime(at), actor, actor_name: actorName, action, target, detail, address };
}
