/** Endpoints for replays: starting, listing, progress and stopping. */
import { createRouter, type Router } from "../../http/router";
import { getReplay } from "./get-replay";
import { listReplays } from "./list-replays";
import { startReplay } from "./start-replay";
import { stopReplay } from "./stop-replay";

/** @returns a router with full paths, to be mounted at the root. */
export function replaysRoutes(): Router {
  const router = createRouter();
  startReplay(router);
  listReplays(router);
  getReplay(router);
  stopReplay(router);
  return router;
}
