/** `POST /api/rejected/redrive`: publishes the events of many rejected messages. */
import { createRoute, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { audit } from "../../auth/audit";
import type { Publisher } from "../../events/publisher";
import { countRejected, findOldestRejected, type RejectedFilter } from "../../events/rejected";
import { nextCursor, nextCursorSchema } from "../../http/list-params";
import type { Router } from "../../http/router";
import { RequestError } from "../../platform/errors";
import { jsonBody } from "../json-body";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import { optionalTimeFieldSchema } from "../time-field";
import { publishRejected } from "../../events/publish-rejected";

/** The most messages that one call tries. Each needs a few queries to D1. */
const messagesMax = 100;

const cursorRule = "must be the next_cursor of the previous call";
const allowed = "reason, since, until, cursor";

const filterSchema = z
  .strictObject(
    {
      reason: z.string({ error: "must be text" }).min(1, "must not be empty").nullish(),
      since: optionalTimeFieldSchema,
      until: optionalTimeFieldSchema,
      cursor: z
        .string({ error: cursorRule })
        .regex(/^[1-9]\d{0,14}$/, cursorRule)
        .nullish(),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys"
          ? `unknown ${issue.keys.join(", ")}: a filter has ${allowed}`
          : `a filter must be an object with ${allowed}`,
    },
  )
  .openapi("RejectedFilter", {
    example: { reason: "event type", since: "2026-11-01T00:00:00Z" },
    description:
      "Without a filter, all messages are tried. reason: a part of the reason, in upper or lower case. since (inclusive) and until (exclusive) filter by received_at. cursor: the next_cursor of the previous call.",
  });

const resultSchema = z.object({
  redriven: z.int().openapi({ description: "How many messages were published. They are no longer kept." }),
  failed: z.array(z.object({ id: z.int(), reason: z.string() })).openapi({
    description:
      "The messages that still cannot be published, with the reason. They are kept, with this reason.",
  }),
  left: z.int().openapi({ description: "How many more messages match the filter and were not tried yet." }),
  next_cursor: nextCursorSchema.openapi({
    description: "The cursor for the next call; null when no message is left.",
  }),
});

/**
 * Middleware: a request without a body means all messages. A body that is not JSON is refused, so that a filter is
 * never ignored.
 */
const optionalJsonBody: MiddlewareHandler<{ Bindings: Env }> = async (c, next) =>
  (await c.req.text()) === "" ? next() : jsonBody(c, next);

const route = createRoute({
  method: "post",
  path: "/api/rejected/redrive",
  operationId: "redriveRejectedMessages",
  security: requiresScope("events:publish"),
  tags: ["Events"],
  summary: "Redrive rejected messages",
  description: `Tries the messages oldest first, at most ${messagesMax} per call: repeat the call with next_cursor until it is null. Repeat a call after any 5xx: no event is delivered twice because of the repeat.`,
  middleware: optionalJsonBody,
  request: { body: { required: false, content: { "application/json": { schema: filterSchema } } } },
  responses: {
    200: { description: "The results.", content: { "application/json": { schema: resultSchema } } },
    400: messageResponse("The filter is not valid."),
  },
});

/** Adds the endpoint to `router`. */
export function redriveAllRejected(router: Router): void {
  router.openapi(route, async (c) => {
    const { reason, since, until, cursor } = c.req.valid("json") ?? {};
    const filter = { reason: reason ?? null, since: since ?? null, until: until ?? null };
    const tried = await tryOldest(c.env, { ...filter, after: Number(cursor ?? 0) }, c.var.caller.id);
    const detail = `${tried.redriven} of ${tried.redriven + tried.failed.length} messages`;
    await audit(c, { action: "rejected.redriven", detail });
    if ("error" in tried) throw tried.error;
    const { redriven, failed, last } = tried;
    const left = await countRejected(c.env.DB, { ...filter, after: last });
    return c.json({ redriven, failed, left, next_cursor: nextCursor(left === 0 ? null : last) }, 200);
  });
}

/**
 * The results of one call. `last`: the highest id that was tried. `error`: a failure of the gateway, after which no
 * more messages were tried.
 */
type Tried = { redriven: number; failed: { id: number; reason: string }[]; last: number; error?: unknown };

async function tryOldest(env: Env, filter: RejectedFilter, publisher: Publisher): Promise<Tried> {
  const tried: Tried = { redriven: 0, failed: [], last: filter.after };
  for (const id of await findOldestRejected(env.DB, filter, messagesMax)) {
    try {
      const published = await publishRejected(env, id, publisher);
      if (published !== null) tried.redriven += 1;
    } catch (error) {
      if (!(error instanceof RequestError)) return { ...tried, error };
      tried.failed.push({ id, reason: error.message });
    }
    tried.last = id;
  }
  return tried;
}
