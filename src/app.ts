/** The HTTP side: which middleware runs in which order, and which routers there are. */
import { bodyLimit } from "hono/body-limit";
import type { MiddlewareHandler } from "hono";
import { onError, RequestError } from "./errors";
import { requireToken } from "./http/authentication";
import { listDead } from "./http/dead/list-dead";
import { deliveriesRoutes } from "./http/deliveries/routes";
import { eventsRoutes } from "./http/events/routes";
import { getHealth } from "./http/health/get-health";
import { lanesRoutes } from "./http/lanes/routes";
import { serveDocument } from "./http/openapi";
import { rejectedRoutes } from "./http/rejected/routes";
import { replaysRoutes } from "./http/replays/routes";
import { createRouter, type Router } from "./http/router";
import { listSubscribableEvents } from "./http/subscribable-events/list-subscribable-events";
import { subscribersRoutes } from "./http/subscribers/routes";

const bodyBytesMax = 1024 * 1024;

/** Answers are private, current, and not to be compressed by a proxy that would lose track of it. */
const uncached: MiddlewareHandler = async (c, next) => {
  await next();
  c.header("Cache-Control", "no-store, no-transform");
};

/** @returns the gateway's app, ready for `fetch(request, env, ctx)`. */
export function createApp(): Router {
  const app = createRouter();
  app.onError(onError);
  app.notFound((c) => c.json({ message: `There is no ${c.req.method} ${c.req.path} here.` }, 404));

  app.use(uncached);
  app.use("/api/*", requireToken);
  app.use(
    "/api/*",
    bodyLimit({
      maxSize: bodyBytesMax,
      onError: () => {
        throw new RequestError(
          413,
          `The body is too large: at most ${bodyBytesMax} bytes (1 MiB) are taken.`,
        );
      },
    }),
  );

  getHealth(app);
  listSubscribableEvents(app);
  app.route("/", subscribersRoutes());
  app.route("/", deliveriesRoutes());
  app.route("/", lanesRoutes());
  app.route("/", eventsRoutes());
  app.route("/", rejectedRoutes());
  listDead(app);
  app.route("/", replaysRoutes());
  serveDocument(app);
  return app;
}
