/** The HTTP app: the order of middleware, and the routers. */
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { methodNotAllowed } from "hono/method-not-allowed";
import type { Context, MiddlewareHandler } from "hono";
import type { AppEnv } from "./auth/app-env";
import { createJurisdictionCheck } from "./db/deployment";
import { onError } from "./http/error-response";
import { RequestError } from "./platform/errors";
import { listAudit } from "./api/audit/list-audit";
import { auditRefusals } from "./http/audit-refusals";
import { guardApi } from "./api/authentication";
import { listDead } from "./api/dead/list-dead";
import { deliveriesRoutes } from "./api/deliveries/routes";
import { connectRelays } from "./api/egress/connect-relay";
import { orchestPath } from "./api/events/publish-from-orchest";
import { eventsRoutes } from "./api/events/routes";
import { getHealth } from "./api/health/get-health";
import { lanesRoutes } from "./api/lanes/routes";
import { uncompressedOnly } from "./http/content-encoding";
import { documentPath, localHostsOnly } from "./http/local-hosts";
import { limitDuration } from "./http/request-timeout";
import { redirectTrailingSlash } from "./http/trailing-slash";
import { checkIdempotencyKey } from "./api/idempotency-key";
import { routeScopes } from "./api/route-scopes";
import { describeCommonResponses } from "./api/openapi/common-responses";
import { describeApi, serveDocument } from "./api/openapi/document";
import { rejectedRoutes } from "./api/rejected/routes";
import { reencrypt } from "./api/reencrypt";
import { replaysRoutes } from "./api/replays/routes";
import { logRequests } from "./http/request-log";
import { createRouter, type Router } from "./http/router";
import { listSubscribableEvents } from "./api/subscribable-events/list-subscribable-events";
import { subscribersRoutes } from "./api/subscribers/routes";
import { tokensRoutes } from "./api/tokens/routes";
import { asPage } from "./pages/error-page";
import { docsPage, readerHeaders } from "./pages/docs";
import { tryOut } from "./pages/docs-try";
import { ownFormsOnly, pageHeaders } from "./pages/page-guards";
import { pagesRoutes } from "./pages/routes";

const bodyBytesMax = 1024 * 1024;
/**
 * The limit for Orchest's deliveries. It is higher, because Orchest would repeat a refused delivery for ever: one that
 * is too large to publish is kept as a rejected message.
 */
const orchestBytesMax = 8 * 1024 * 1024;

/**
 * Keeps responses out of caches. `no-transform` keeps Cloudflare from compressing them: Orchest's proxy decodes bodies
 * but passes `Content-Encoding` on.
 */
const noStore: MiddlewareHandler = async (c, next) => {
  await next();
  // `c.header` would copy the whole response.
  c.res.headers.set("Cache-Control", "no-store, no-transform");
};

/**
 * @param checkJurisdiction throws when JURISDICTION has changed (`createJurisdictionCheck`).
 * @returns the gateway's Hono app, whose `fetch(request, env, ctx)` handles every request.
 */
export function createApp(checkJurisdiction = createJurisdictionCheck()): Router {
  const app = createRouter();
  const endpoints = createEndpoints(checkJurisdiction);
  const fixedPaths = methodsOfFixedPaths(endpoints);
  app.onError(async (error, c) => asPage(c, await onError(error, c)));
  app.notFound((c) => asPage(c, c.json({ message: `There is no ${c.req.method} ${c.req.path} here.` }, 404)));

  app.use(logRequests());
  app.use(noStore);
  // Publishing has a deadline of 10 s.
  app.use(limitDuration((method, path) => method === "POST" && path === "/api/events"));
  app.use("/docs", readerHeaders);
  app.use(pageHeaders);
  app.use(localHostsOnly);
  app.use(async (c, next) => {
    if (c.req.path !== "/health") await checkJurisdiction(c.env);
    await next();
  });
  app.use(auditRefusals);
  app.use(redirectTrailingSlash);
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => otherMethod(c, fixedPaths.get(c.req.path) ?? methods),
    }),
  );
  app.use(documentPath, cors({ origin: "*", allowMethods: ["GET", "HEAD"] }));
  app.use(ownFormsOnly);
  app.use("/api/*", guardApi(routeScopes(endpoints)));
  app.use("/api/*", checkIdempotencyKey);
  app.use(uncompressedOnly);
  const limits = { usual: limitBody(bodyBytesMax), orchest: limitBody(orchestBytesMax) };
  app.use((c, next) => (c.req.path === orchestPath ? limits.orchest : limits.usual)(c, next));

  app.route("/", endpoints);
  connectRelays(app);
  app.route("/", pagesRoutes());
  const describe = (origin: string) => describeApi(endpoints, origin);
  docsPage(app, describe);
  tryOut(app, (request, env, context) => app.fetch(request, env, context));
  serveDocument(app, describe);
  return app;
}

/** @returns middleware that throws a 413 for a larger body. */
function limitBody(maxSize: number): MiddlewareHandler {
  return bodyLimit({
    maxSize,
    onError: () => {
      const size = `${maxSize} bytes (${maxSize / 1024 / 1024} MiB)`;
      throw new RequestError(413, `The body is too large: it must be at most ${size}.`);
    },
  });
}

/**
 * @param methods of the routes at the request's path. The request's method is none of them.
 * @returns 204 for OPTIONS, else 405; both with the methods in `Allow`.
 */
function otherMethod(c: Context<AppEnv>, methods: string[]): Response | Promise<Response> {
  const { method, path } = c.req;
  const allow = [...methods, "OPTIONS"].join(", ");
  if (method === "OPTIONS") return c.body(null, 204, { Allow: allow });
  const message = `There is no ${method} ${path} here. Allowed: ${allow}.`;
  return asPage(c, c.json({ message }, 405, { Allow: allow }));
}

/**
 * @returns the methods of endpoints whose path has no parameter. Such a path also matches an endpoint with a parameter,
 *   whose methods do not count: `/subscribers/webhooks` matches `/subscribers/{uuid}`.
 */
function methodsOfFixedPaths(endpoints: Router): Map<string, string[]> {
  const methods = new Map<string, string[]>();
  for (const definition of endpoints.openAPIRegistry.definitions) {
    if (definition.type !== "route" || definition.route.path.includes("{")) continue;
    const { path, method } = definition.route;
    const own = method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()];
    methods.set(path, [...(methods.get(path) ?? []), ...own]);
  }
  return methods;
}

/** The endpoints that `GET /openapi.json` documents. */
function createEndpoints(checkJurisdiction: (env: Env) => Promise<void>): Router {
  const router = createRouter();
  getHealth(router, checkJurisdiction);
  listSubscribableEvents(router);
  router.route("/", subscribersRoutes());
  router.route("/", deliveriesRoutes());
  router.route("/", lanesRoutes());
  router.route("/", eventsRoutes());
  router.route("/", rejectedRoutes());
  listDead(router);
  router.route("/", replaysRoutes());
  reencrypt(router);
  router.route("/", tokensRoutes());
  listAudit(router);
  describeCommonResponses(router);
  return router;
}
