/** The one way to make a router: what every group of endpoints has in common. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { RequestError } from "../errors";
import { describeIssues } from "../describe-issues";

/** A router whose handlers see the Worker's bindings. */
export type Router = OpenAPIHono<{ Bindings: Env }>;

/** @returns a router that answers what does not fit an endpoint's schema with 400 and a sentence. */
export function createRouter(): Router {
  return new OpenAPIHono<{ Bindings: Env }>({
    defaultHook: (result) => {
      if (!result.success) throw new RequestError(400, describeIssues(result.error.issues));
    },
  });
}
