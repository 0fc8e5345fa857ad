/** `GET /openapi.json`: the API's description, made from the contracts beside the handlers. */
import { messageAnswer } from "./message";
import type { Router } from "../http/router";

/** Adds the document to `app`: last, so that it knows every route. */
export function serveDocument(app: Router): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "token", {
    type: "http",
    scheme: "bearer",
    description:
      "A token of POST /api/tokens, with the scope that is named, or one of the setting API_TOKENS.",
  });
  app.doc31("/openapi.json", (c) => openApiConfig(new URL(c.req.url).origin));
}

/** Adds to the contracts of `router` what the guard of the API answers, wherever a token is needed. */
export function describeAuthErrors(router: Router): void {
  for (const definition of router.openAPIRegistry.definitions) {
    if (definition.type !== "route" || definition.route.security?.length === 0) continue;
    const { responses, security } = definition.route;
    responses[401] ??= messageAnswer("The token is missing, malformed or not valid.");
    responses[403] ??= messageAnswer("The token lacks the scope.");
    const isLimited = !security?.some(({ token }) => token?.includes("events:publish"));
    const guesses = "Too many wrong tokens came from this address in this minute; right ones are taken.";
    responses[429] ??= messageAnswer(
      isLimited ? `Too many requests in this minute. Or: ${guesses}` : guesses,
    );
  }
}

/** What the document says beside the endpoints. @param origin where the API is. */
export function openApiConfig(origin: string): Parameters<Router["getOpenAPI31Document"]>[0] {
  return {
    openapi: "3.1.0",
    info: {
      title: "Orchest webhooks",
      version: "1",
      description: "Manages webhooks, takes events, and delivers them signed and in order.",
    },
    servers: [{ url: origin }],
    security: [{ token: [] }],
  };
}
