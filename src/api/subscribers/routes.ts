/** Endpoints for webhooks: Orchest's contract, except for the list of event types, and the rotation of secrets. */
import { createRouter, type Router } from "../../http/router";
import { createWebhook } from "./create-webhook";
import { deleteSubscriber } from "./delete-subscriber";
import { getSubscriber } from "./get-subscriber";
import { listSubscribedTo } from "./list-subscribed-to";
import { listSubscribers } from "./list-subscribers";
import { rotateSecret } from "./rotate-secret";
import { testPing } from "./test-ping";
import { testPingBeforeCreation } from "./test-ping-before-creation";
import { updateWebhook } from "./update-webhook";

/** @returns a router with full paths, to be mounted at the root. */
export function subscribersRoutes(): Router {
  const router = createRouter();
  listSubscribers(router);
  createWebhook(router);
  testPingBeforeCreation(router);
  updateWebhook(router);
  rotateSecret(router);
  listSubscribedTo(router);
  testPing(router);
  getSubscriber(router);
  deleteSubscriber(router);
  return router;
}
