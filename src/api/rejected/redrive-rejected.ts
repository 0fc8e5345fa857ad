/** `POST /api/rejected/{id}/redrive`: publishes what a kept queue message holds. */
import { createRoute, z } from "@hono/zod-openapi";
import { RequestError } from "../../platform/errors";
import { audit } from "../../auth/audit";
import { acceptedSchema } from "../events/accepted-schema";
import { messageAnswer } from "../message";
import { needs } from "../needs";
import type { Router } from "../../http/router";
import { publishRejected } from "../../events/publish-rejected";

const route = createRoute({
  method: "post",
  path: "/api/rejected/{id}/redrive",
  operationId: "redriveRejectedMessage",
  security: needs("events:publish"),
  tags: ["Events"],
  summary: "Redrive a rejected message",
  description:
    "On success it is published, behind everything that came before, and not kept any more. Repeat after any 5xx: an event is never delivered twice for it.",
  request: { params: z.object({ id: z.string().openapi({ description: "The message's id." }) }) },
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
    const published = /^[1-9]\d{0,14}$/.test(id)
      ? await publishRejected(c.env, Number(id), c.var.caller.id)
      : null;
    if (published === null) throw new RequestError(404, `Rejected message ${id} does not exist.`);
    await audit(c, { action: "rejected.redriven", target: String(Number(id)) });
    return c.json(published, 202);
  });
}
