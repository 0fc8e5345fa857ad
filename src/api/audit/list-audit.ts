/** `GET /api/audit`: a page of the audit log. */
import { createRoute, z } from "@hono/zod-openapi";
import { auditActions, type AuditEntry, listAuditEntries } from "../../db/audit";
import { cursorParamSchema, limitParamSchema, nextCursor, nextCursorSchema } from "../../http/list-params";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { isoTime, timeSchema } from "../../platform/time";

const entrySchema = z
  .object({
    id: z.int(),
    at: timeSchema,
    actor: z.string().openapi({
      description:
        "token:<id>, bootstrap:<hash prefix of a token in API_TOKENS>, access:<e-mail>, or unknown when nobody was authenticated.",
    }),
    actor_name: z.string().openapi({ description: "The actor's name at that time." }),
    action: z.string().openapi({ examples: [...auditActions] }),
    target: z.string().nullable().openapi({
      description: "The uuid of the webhook, token or event, or the id of the rejected message.",
    }),
    detail: z.string().nullable().openapi({
      description:
        "The uuid of the delivery, the id of the replay, the names of the changed fields (with the old and the new origin when the URL's origin changed), the name and origin of a deleted webhook, the origin that a test ping was sent to, or the status and route of a refused request.",
    }),
    address: z.string().nullable().openapi({ description: "The client's IP address, as Cloudflare saw it." }),
    count: z.int().openapi({
      description:
        "How often it happened. Always 1, except for refusals (*.refused): those with the same address, actor and minute share an entry.",
    }),
  })
  .openapi("AuditEntry");

const auditSchema = z
  .object({ entries: z.array(entrySchema), next_cursor: nextCursorSchema })
  .openapi("Audit");

const route = createRoute({
  method: "get",
  path: "/api/audit",
  operationId: "listAuditEntries",
  security: requiresScope("admin"),
  tags: ["Access"],
  summary: "List the audit log",
  description:
    "Newest first. The log contains no secrets. Entries are kept for 400 days, those of refused requests and sign-ins for 30 days. Refusals get at most 100 entries per minute: the others are counted in one additional entry, without an address.",
  request: { query: z.object({ limit: limitParamSchema, cursor: cursorParamSchema }) },
  responses: {
    200: { description: "A page of the log.", content: { "application/json": { schema: auditSchema } } },
    400: messageResponse("A query parameter is not valid."),
  },
});

/** Adds the endpoint to `router`. */
export function listAudit(router: Router): void {
  router.openapi(route, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const { rows, next } = await listAuditEntries(c.env, { limit, before: cursor });
    const entries = rows.map(entryResponse);
    return c.json({ entries, next_cursor: nextCursor(next) }, 200);
  });
}

function entryResponse(entry: AuditEntry): z.output<typeof entrySchema> {
  const { id, at, actor, actorName, action, target, detail, address, count } = entry;
  return { id, at: isoTime(at), actor, actor_name: actorName, action, target, detail, address, count };
}
