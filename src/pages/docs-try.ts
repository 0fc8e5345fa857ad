/** `/docs/try/api/…`: requests from the try-out of the API reader, made as the signed-in person. */
import type { Context } from "hono";
import type { AppEnv } from "../auth/app-env";
import { trustRequest } from "../auth/trusted-requests";
import { RequestError } from "../platform/errors";
import type { Router } from "../http/router";
import { currentUser } from "./current-user";

const prefix = "/docs/try";

/** Handles a request as the API does. */
export type ApiCall = (
  request: Request,
  env: Env,
  context: Context["executionCtx"],
) => Response | Promise<Response>;

/**
 * Adds the endpoint to `router`. Only this site's own pages may call it, with any method, because some GET requests of
 * the API change something. @param call the app.
 * @throws {RequestError} 401 when nobody is signed in, 403 for a request from elsewhere.
 */
export function tryOut(router: Router, call: ApiCall): void {
  router.all(`${prefix}/api/*`, async (c) => {
    if (c.req.header("Sec-Fetch-Site") !== "same-origin") {
      throw new RequestError(403, "The try-out accepts requests from this site's own pages only.");
    }
    const user = await currentUser(c);
    if (user === null) throw new RequestError(401, "Sign in first, or enter a token.");
    const request = apiRequest(c);
    trustRequest(request, user);
    return call(request, c.env, c.executionCtx);
  });
}

/** @returns the request for the API, without the session's cookie and without a token. */
function apiRequest(c: Context<AppEnv>): Request {
  const url = new URL(c.req.url);
  url.pathname = url.pathname.slice(prefix.length);
  const request = new Request(url, c.req.raw);
  request.headers.delete("Cookie");
  request.headers.delete("Authorization");
  return request;
}
