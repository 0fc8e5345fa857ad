/** `GET /openapi.json`: the OpenAPI document, generated from the endpoints' contracts. */
import { documentPath } from "../http/local-hosts";
import { messageAnswer } from "./message";
import type { Router } from "../http/router";

/** Adds the endpoint to `app`. Call it last: the document has only the routes that were added before. */
export function serveDocument(app: Router): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "token", {
    type: "http",
    scheme: "bearer",
    description:
      "A token made with POST /api/tokens that has the scope named at the endpoint, or a token in the setting API_TOKENS.",
  });
  app.doc31(documentPath, (c) => openApiConfig(new URL(c.req.url).origin));
}

/** Adds the responses 401, 403 and 429 to the contracts of all endpoints of `router` that need a token. */
export function describeAuthErrors(router: Router): void {
  for (const definition of router.openAPIRegistry.definitions) {
    if (definition.type !== "route" || definition.route.security?.length === 0) continue;
    const { responses, security } = definition.route;
    responses[401] ??= messageAnswer("The token is missing, malformed or not valid.");
    responses[403] ??= messageAnswer("The token does not have the scope.");
    const isLimited = !security?.some(({ token }) => token?.includes("events:publish"));
    const guesses = "Too many wrong tokens from this address within a minute. Valid tokens still work.";
    responses[429] ??= messageAnswer(
      isLimited ? `Too many requests with this token within a minute, or: ${guesses}` : guesses,
    );
  }
}

/** @param origin of the API. @returns the parts of the document other than the endpoints. */
export function openApiConfig(origin: string): Parameters<Router["getOpenAPI31Document"]>[0] {
  return {
    openapi: "3.1.0",
    info: {
      title: "Orchest webhooks",
      version: "1",
      description: "Manages webhooks, accepts events, and delivers them signed and in order.",
    },
    servers: [{ url: origin }],
    security: [{ token: [] }],
  };
}
