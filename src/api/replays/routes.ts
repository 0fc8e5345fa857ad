/** Sending again what was accepted in a time. */
import { createRouter, type Router } from "../../http/router";
import { getReplay } from "./get-replay";
import { startReplay } from "./start-replay";

/** @returns a router with full paths, to be mounted at the root. */
export function replaysRoutes(): Router {
  const router = createRouter();
  startReplay(router);
  getReplay(router);
  return router;
}
