/** `POST /api/rejected/redrive`: publishes what many kept queue messages hold. */
import { createRoute, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { audit } from "../../auth/audit";
import type { Publisher } from "../../events/publisher";
import { countRejected, findOldestRejected, type RejectedFilter } from "../../events/rejected";
import { nextCursor, nextCursorSchema } from "../../http/list-params";
import type { Router } from "../../http/router";
import { RequestError } from "../../platform/errors";
import { jsonBody } from "../json-body";
import { messageAnswer } from "../message";
import { needs } from "../needs";
import { optionalTimeFieldSchema } from "../time-field";
import { publishRejected } from "../../events/publish-rejected";

/** How many messages one call tries: each of them takes a few queries to D1. */
const messagesMax = 100;

const cursorRule = "must be the next_cursor of the call before it";
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
      "Without a filter, all messages are tried. reason: a part of the reason, in upper or lower case. since (included) and until (excluded) are about received_at. cursor: the next_cursor of the call before it.",
  });

const resultSchema = z.object({
  redriven: z.int().openapi({ description: "How many messages were published, and are not kept any more." }),
  failed: z
    .array(z.object({ id: z.int(), reason: z.string() }))
    .openapi({ description: "Those that still cannot be used, and why. They stay, with this reason." }),
  left: z.int().openapi({ description: "How many others match and were not tried yet." }),
  next_cursor: nextCursorSchema.openapi({
    description: "For the call that tries those; null when none is left.",
  }),
});

/** Without a body, all messages are meant. One that is no JSON is refused, so that a filter is never overlooked. */
const optionalJsonBody: MiddlewareHandler<{ Bindings: Env }> = async (c, next) =>
  (await c.req.text()) === "" ? next() : jsonBody(c, next);

const route = createRoute({
  method: "post",
  path: "/api/rejected/redrive",
  operationId: "redriveRejectedMessages",
  security: needs("events:publish"),
  tags: ["Events"],
  summary: "Redrive rejected messages",
  description: `Oldest first, at most ${messagesMax} for each call: repeat it with next_cursor until that is null. Repeat a call after any 5xx: an event is never delivered twice for it.`,
  middleware: optionalJsonBody,
  request: { body: { required: false, content: { "application/json": { schema: filterSchema } } } },
  responses: {
    200: { description: "All were tried.", content: { "application/json": { schema: resultSchema } } },
    400: messageAnswer("What is wrong with the filter."),
  },
});

/** Adds the endpoint. */
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

/** `last`: the highest id that was tried. `error`: a failure of ours, after which nothing more was tried. */
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
