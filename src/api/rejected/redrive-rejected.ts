/** `POST /api/rejected/{id}/redrive`: publishes what a kept queue message holds. */
import { createRoute, z } from "@hono/zod-openapi";
import { changeReason, findRejected, type RejectedMessage, removeRejected } from "../../events/rejected";
import { RequestError } from "../../platform/errors";
import type { Publisher } from "../../events/publisher";
import { audit } from "../../auth/audit";
import { publish as publishText } from "../../events/publish";
import { acceptedSchema } from "../events/accepted-schema";
import { messageAnswer } from "../message";
import { needs } from "../needs";
import type { Router } from "../../http/router";

const route = createRoute({
  method: "post",
  path: "/api/rejected/{id}/redrive",
  security: needs("events:publish"),
  tags: ["Events"],
  summary: "Try a kept queue message again",
  description:
    "On success it is published, behind everything that came before, and not kept any more. Repeat after any 5xx: an event is never delivered twice for it.",
  request: { params: z.object({ id: z.string() }) },
  responses: {
    202: { description: "Accepted", content: { "application/json": { schema: acceptedSchema } } },
    400: messageAnswer("It still cannot be used, and why. It stays, with this reason."),
    404: messageAnswer("There is none with this id."),
    409: messageAnswer("A uuid is known with another text. It stays, with this reason."),
  },
});

/** Adds the endpoint. */
export function redriveRejected(router: Router): void {
  router.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const rejected = /^[1-9]\d{0,14}$/.test(id) ? await findRejected(c.env.DB, Number(id)) : null;
    if (rejected === null) throw new RequestError(404, `Rejected message ${id} does not exist.`);
    const answer = await publish(c.env, rejected, c.var.caller.id);
    await removeRejected(c.env.DB, rejected.id);
    await audit(c, { action: "rejected.redriven", target: String(rejected.id) });
    return c.json(answer, 202);
  });
}

/** @throws {RequestError} 400 or 409 with the reason, which is written down. */
async function publish(
  env: Env,
  rejected: RejectedMessage,
  publisher: Publisher,
): ReturnType<typeof publishText> {
  if (rejected.is_exact === 0) {
    throw new RequestError(400, `It was not kept exactly, and cannot be published: ${rejected.reason}`);
  }
  try {
    return await publishText(env, rejected.body, { publisher });
  } catch (error) {
    if (error instanceof RequestError) await changeReason(env.DB, rejected.id, error.message);
    throw error;
  }
}
