/** The router that all groups of endpoints use. */
import { OpenAPIHono } from "@hono/zod-openapi";
import type { AppEnv } from "../auth/app-env";
import { RequestError } from "../platform/errors";
import { formatValidationErrors } from "../platform/validation-errors";

/** A Hono router with OpenAPI contracts and the gateway's environment. */
export type Router = OpenAPIHono<AppEnv>;

/** @returns a router that throws a `RequestError` (400) with the validation errors when a request is not valid. */
export function createRouter(): Router {
  return new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (!result.success) throw new RequestError(400, formatValidationErrors(result.error.issues));
    },
  });
}
