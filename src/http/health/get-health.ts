/** `GET /health`: whether this deployment can do its work, for monitors. */
import { createRoute, z } from "@hono/zod-openapi";
import { readConfig } from "../../config";
import { ConfigurationError } from "../../errors";
import { log } from "../../log";
import type { Router } from "../router";

const route = createRoute({
  method: "get",
  path: "/health",
  tags: ["Operation"],
  summary: "Whether the gateway can work",
  description: "Checks the configuration and the database. Needs no token.",
  security: [],
  responses: {
    200: {
      description: "It can.",
      content: { "application/json": { schema: z.object({ status: z.literal("ok") }) } },
    },
    503: {
      description: "It cannot, and why.",
      content: {
        "application/json": { schema: z.object({ status: z.literal("error"), message: z.string() }) },
      },
    },
  },
});

/** Adds the endpoint to `router`. */
export function getHealth(router: Router): void {
  router.openapi(route, async (c) => {
    const problem = await findProblem(c.env);
    if (problem === null) return c.json({ status: "ok" } as const, 200);
    log("error", "unhealthy", { error: problem });
    return c.json({ status: "error", message: problem } as const, 503);
  });
}

/** @returns a sentence without secrets, or null when all is well. */
async function findProblem(env: Env): Promise<string | null> {
  try {
    readConfig(env);
  } catch (error) {
    return error instanceof ConfigurationError ? error.message : "The configuration cannot be read.";
  }
  try {
    await env.DB.prepare("select 1").run();
  } catch (error) {
    log("error", "database unreachable", { error: String(error) });
    return "The database cannot be reached.";
  }
  return null;
}
