/** `GET /openapi.json`: the OpenAPI document, generated from the endpoints' contracts. */
import { version } from "../../../package.json";
import { documentPath } from "../../http/local-hosts";
import type { Router } from "../../http/router";
import { exampleEvent } from "../events/event-schema";
import { typescriptSample } from "./code-samples";
import { receiverRequests } from "./receiver-requests";

/** The OpenAPI document. */
export type OpenApiDocument = ReturnType<Router["getOpenAPI31Document"]>;

const tags = [
  {
    name: "Subscribers",
    description: "Webhooks and their subscriptions. The paths are those of Orchest's API.",
  },
  {
    name: "Events",
    description: "Publishing events, the archive of events, and rejected messages.",
  },
  {
    name: "Deliveries",
    description: "The delivery log of a webhook, pausing, resending, replays and dead letters.",
  },
  { name: "Access", description: "Tokens and the audit log." },
  { name: "Operation", description: "Health, and the rotation of the encryption key." },
  { name: "Receivers", description: "The requests that the gateway sends to the URLs of webhooks." },
];

/** Adds the endpoint to `router`. @param describe gives the document of the API at an origin. */
export function serveDocument(router: Router, describe: (origin: string) => OpenApiDocument): void {
  router.get(documentPath, (c) => c.json(describe(new URL(c.req.url).origin)));
}

/** @param endpoints the router with the contracts. @param origin of the API. @returns the document. */
export function describeApi(endpoints: Router, origin: string): OpenApiDocument {
  // It is a variable, because the types of an argument are those of OpenAPI 3.0, which has neither `summary` nor
  // `identifier`.
  const info = {
    title: "Orchest webhooks",
    version,
    summary: "A webhook gateway for Orchest",
    description:
      'Manages webhooks, accepts events, and delivers them signed and in order. Errors have the form `{"message": "…"}` and say which field is wrong and what is allowed. Paths under `/api` need a token.',
    license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    contact: { name: "Orchest webhooks", url: origin },
  };
  const document = endpoints.getOpenAPI31Document({
    openapi: "3.1.0",
    info,
    servers: [{ url: origin, description: "This gateway" }],
    tags,
    security: [{ token: [] }],
  });
  return {
    ...document,
    paths: Object.fromEntries(
      Object.entries(document.paths ?? {}).map(([path, item]) => [
        path,
        completed(item, (method, operation) =>
          typescriptSample({ method, path, operation }, { origin, document }),
        ),
      ]),
    ),
    webhooks: receiverRequests(exampleEvent),
    components: {
      ...document.components,
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          description:
            "A token created with POST /api/tokens that has the scope named at the endpoint, or a token in the setting API_TOKENS.",
        },
      },
    },
  } as OpenApiDocument;
}

type PathItem = NonNullable<OpenApiDocument["paths"]>[string];
type Operation = NonNullable<PathItem["get"]>;
const methods = ["get", "post", "put", "delete"] as const;

/** @returns the item, whose operations have a code sample and their scope. */
function completed(item: PathItem, sampleOf: (method: string, operation: Operation) => object): PathItem {
  const changed = { ...item };
  for (const method of methods) {
    const operation = item[method];
    if (operation === undefined) continue;
    changed[method] = { ...withScope(operation), "x-codeSamples": [sampleOf(method, operation)] };
  }
  return changed;
}

/** Moves the scope to the description and `x-scope`, because OpenAPI has no scopes for bearer tokens. */
function withScope(operation: Operation): Operation {
  const scope = operation.security?.flatMap(({ token = [] }) => token)[0];
  if (scope === undefined) return operation;
  return {
    ...operation,
    description: `${operation.description} Needs the scope \`${scope}\`.`,
    security: [{ token: [] }],
    "x-scope": scope,
  };
}
