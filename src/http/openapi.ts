/** `GET /openapi.json`: the API's description, made from the contracts beside the handlers. */
import type { Router } from "./router";

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
