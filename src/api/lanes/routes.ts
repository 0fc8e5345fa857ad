/** Endpoints for a webhook's lane: pausing, resuming and statistics. */
import { createRouter, type Router } from "../../http/router";
import { getStats } from "./get-stats";
import { pauseLane } from "./pause-lane";
import { resumeLane } from "./resume-lane";

/** @returns a router with full paths, to be mounted at the root. */
export function lanesRoutes(): Router {
  const router = createRouter();
  pauseLane(router);
  resumeLane(router);
  getStats(router);
  return router;
}
