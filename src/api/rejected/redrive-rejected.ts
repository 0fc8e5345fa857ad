/** `POST /api/rejected/{id}/redrive`: publishes the events of a rejected message. */
import { createRoute, z } from "@hono/zod-openapi";
import { RequestError } from "../../platform/errors";
import { audit } from "../../auth/audit";
import { acceptedSchema } from "../events/accepted-schema";
import { messageResponse } from "../message";
import { requiresScope } from "../route-scopes";
import type { Router } from "../../http/router";
import { publishRejected } from "../../events/publish-rejected";

const route = createRoute({
  method: "post",
  path: "/api/rejected/{id}/redrive",
  operationId: "redriveRejectedMessage",
  security: requiresScope("events:publish"),
  tags: ["Events"],
  summary: "Redrive a rejected message",
  description:
    "Publishes the message's events, after all events accepted so far, and deletes the message. Repeat the request after any 5xx: no event is delivered twice because of the repeat.",
  request: { params: z.object({ id: z.string().openapi({ description: "The message's id." }) }) },
  responses: {
    202: { description: "Accepted", content: { "application/json": { schema: acceptedSchema } } },
    400: messageResponse("The message still cannot be published. It is kept, with this reason."),
    404: messageResponse("There is no such message."),
    409: messageResponse(
      "An earlier event has the same uuid and different content. The message is kept, with this reason.",
    ),
  },
});

/** Adds the endpoint to `router`. */
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
