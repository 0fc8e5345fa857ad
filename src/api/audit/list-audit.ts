/** `GET /api/audit`: who did what. */
import { createRoute, z } from "@hono/zod-openapi";
import { auditActions, type AuditEntry, listAuditEntries } from "../../db/audit";
import { cursorParamSchema, limitParamSchema, nextCursor, nextCursorSchema } from "../../http/list-params";
import { messageAnswer } from "../message";
import { needs } from "../needs";
import type { Router } from "../../http/router";
import { isoTime, timeSchema } from "../../platform/time";

const entrySchema = z
  .object({
    id: z.int(),
    at: timeSchema,
    actor: z.string().openapi({
      description:
        "token:<id>, bootstrap:<start of the hash of a token in API_TOKENS>, access:<e-mail>, or unknown where nobody was recognised.",
    }),
    actor_name: z.string().openapi({ description: "The name that it had then." }),
    action: z.string().openapi({ examples: [...auditActions] }),
    target: z.string().nullable().openapi({
      description: "The uuid of the webhook, token or event, or the id of the rejected message.",
    }),
    detail: z.string().nullable().openapi({
      description:
        "The uuid of the delivery, the id of the replay, the names of the changed fields (with the old and the new origin, when it changed), the name and origin of a deleted webhook, the origin that a test ping went to, or the status and route of a refused request.",
    }),
    address: z.string().nullable().openapi({ description: "The client's, as Cloudflare saw it." }),
    count: z.int().openapi({
      description: "1, but for refusals (*.refused): those of one address, actor and minute share an entry.",
    }),
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
  summary: "Who did what",
  description:
    "Newest first. It holds no secret, and reaches back 400 days; of refused requests and sign-ins 30 days, with at most 100 entries a minute: what comes from further addresses is counted in one more, without an address.",
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
  const { id, at, actor, actorName, action, target, detail, address, count } = entry;
  return { id, at: isoTime(at), actor, actor_name: actorName, action, target, detail, address, count };
}
