/** The one way to make a router: what every group of endpoints has in common. */
import { OpenAPIHono } from "@hono/zod-openapi";
import type { AppEnv } from "../auth/app-env";
import { RequestError } from "../platform/errors";
import { formatValidationErrors } from "../platform/validation-errors";

/** The gateway's kind of router. */
export type Router = OpenAPIHono<AppEnv>;

/** @returns a router that answers what does not fit an endpoint's schema with 400 and a sentence. */
export function createRouter(): Router {
  return new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (!result.success) throw new RequestError(400, formatValidationErrors(result.error.issues));
    },
  });
}
