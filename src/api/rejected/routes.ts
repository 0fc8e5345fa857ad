/** Endpoints for rejected messages: listing and redriving. */
import { createRouter, type Router } from "../../http/router";
import { listRejected } from "./list-rejected";
import { redriveAllRejected } from "./redrive-all";
import { redriveRejected } from "./redrive-rejected";

/** @returns a router with full paths, to be mounted at the root. */
export function rejectedRoutes(): Router {
  const router = createRouter();
  listRejected(router);
  redriveAllRejected(router);
  redriveRejected(router);
  return router;
}
