/** Endpoints for the deliveries of a webhook: listing, resending and skipping. */
import { createRouter, type Router } from "../../http/router";
import { getDelivery } from "./get-delivery";
import { listDeliveries } from "./list-deliveries";
import { redeliverDelivery } from "./redeliver-delivery";
import { skipDelivery } from "./skip-delivery";

/** @returns a router with full paths, to be mounted at the root. */
export function deliveriesRoutes(): Router {
  const router = createRouter();
  listDeliveries(router);
  getDelivery(router);
  redeliverDelivery(router);
  skipDelivery(router);
  return router;
}
