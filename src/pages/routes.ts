/** The pages for people. */
import { createRouter, type Router } from "../http/router";
import { signIn } from "./sign-in";
import { signOut } from "./sign-out";
import { changeDelivery } from "./webhooks/change-delivery";
import { changeWebhookState } from "./webhooks/change-state";
import { deliveryPage } from "./webhooks/delivery";
import { webhookList } from "./webhooks/list";
import { testWebhook } from "./webhooks/test";
import { webhookPage } from "./webhooks/webhook";

/** @returns a router with full paths, to be mounted at the root. */
export function pagesRoutes(): Router {
  const router = createRouter();
  signIn(router);
  signOut(router);
  webhookList(router);
  testWebhook(router);
  webhookPage(router);
  changeWebhookState(router);
  deliveryPage(router);
  changeDelivery(router);
  return router;
}
