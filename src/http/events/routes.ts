/** The endpoints that take events. */
import { createRouter, type Router } from "../router";
import { publishEvents } from "./publish-events";
import { publishFromOrchest } from "./publish-from-orchest";

/** @returns a router with full paths, to be mounted at the root. */
export function eventsRoutes(): Router {
  const router = createRouter();
  publishEvents(router);
  publishFromOrchest(router);
  return router;
}
