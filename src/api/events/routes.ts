/** Endpoints for publishing events and reading the archive. */
import { createRouter, type Router } from "../../http/router";
import { getEvent } from "./get-event";
import { listEvents } from "./list-events";
import { publishEvents } from "./publish-events";
import { publishFromOrchest } from "./publish-from-orchest";

/** @returns a router with full paths, to be mounted at the root. */
export function eventsRoutes(): Router {
  const router = createRouter();
  publishEvents(router);
  publishFromOrchest(router);
  listEvents(router);
  getEvent(router);
  return router;
}
