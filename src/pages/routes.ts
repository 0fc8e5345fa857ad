/** The pages for people. */
import { createRouter, type Router } from "../http/router";
import { confirmReplay } from "./dead/confirm-replay";
import { deadLettersPage } from "./dead/list";
import { replayDead } from "./dead/replay";
import { deadReplays } from "./dead/replays";
import { eventPage } from "./events/event";
import { eventList } from "./events/list";
import { newEvent } from "./events/new";
import { signIn } from "./sign-in";
import { signOut } from "./sign-out";
import { changeDelivery } from "./webhooks/change-delivery";
import { changeWebhookState } from "./webhooks/change-state";
import { deliveryPage } from "./webhooks/delivery";
import { editWebhookForm } from "./webhooks/form/edit";
import { newWebhookForm } from "./webhooks/form/new";
import { confirmJobFailures } from "./webhooks/job-failures/confirm";
import { switchJobFailures } from "./webhooks/job-failures/turn";
import { undoJobFailures } from "./webhooks/job-failures/undo";
import { webhookList } from "./webhooks/list";
import { testWebhook } from "./webhooks/test-ping";
import { deleteWebhookPage } from "./webhooks/delete";
import { liveSocket } from "./webhooks/live-socket";
import { replayPage } from "./webhooks/replay";
import { replayProgressPage } from "./webhooks/replay-progress";
import { rotateSecretPage } from "./webhooks/rotate-secret";
import { webhookPage } from "./webhooks/webhook";

/** @returns a router with full paths, to be mounted at the root. */
export function pagesRoutes(): Router {
  const router = createRouter();
  signIn(router);
  signOut(router);
  webhookList(router);
  switchJobFailures(router);
  confirmJobFailures(router);
  undoJobFailures(router);
  newWebhookForm(router);
  editWebhookForm(router);
  testWebhook(router);
  webhookPage(router);
  liveSocket(router);
  changeWebhookState(router);
  rotateSecretPage(router);
  replayPage(router);
  replayProgressPage(router);
  deleteWebhookPage(router);
  deliveryPage(router);
  changeDelivery(router);
  eventList(router);
  newEvent(router);
  eventPage(router);
  deadLettersPage(router);
  confirmReplay(router);
  replayDead(router);
  deadReplays(router);
  return router;
}
