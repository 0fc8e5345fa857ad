/** `GET /docs`: the API reference. Its reader needs scripts; without them, it is a list made from the OpenAPI document. */
import { html } from "hono/html";
import type { MiddlewareHandler } from "hono";
import type { Child } from "hono/jsx";
import type { Router } from "../http/router";
import { currentUser } from "./current-user";
import { renderPage } from "./layout";

const methods = ["get", "post", "put", "delete"] as const;

/** Stoplight Elements. Requests go to the API's own origin, with the session's cookie (`docs.js`). */
const reader = html`<elements-api
  apiDescriptionUrl="/openapi.json"
  router="hash"
  layout="responsive"
  tryItCredentialsPolicy="same-origin"
></elements-api>`;

type Document = ReturnType<Router["getOpenAPI31Document"]>;
type PathItem = NonNullable<Document["paths"]>[string];
type Operation = NonNullable<PathItem["get"]>;
type Endpoint = { method: string; path: string; operation: Operation };

/**
 * Middleware of the page, applied before `pageHeaders`. The reader needs inline styles, which the policy of the other
 * pages does not allow.
 */
export const readerHeaders: MiddlewareHandler = async (c, next) => {
  await next();
  c.header(
    "Content-Security-Policy",
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  );
};

/** Adds the page to `router`. @param describe gives the OpenAPI document of the API at an origin. */
export function docsPage(router: Router, describe: (origin: string) => Document): void {
  router.get("/docs", async (c) => {
    const document = describe(new URL(c.req.url).origin);
    const byTag = Map.groupBy(endpointsOf(document), ({ operation }) => operation.tags?.[0] ?? "Other");
    return renderPage(
      c,
      {
        title: "API",
        user: await currentUser(c),
        section: "/docs",
        scripts: ["/docs.js", "/elements/web-components.min.js"],
        // The reader's stylesheet has rules for all elements. This site's stylesheet comes after it, to override them.
        styles: ["/elements/styles.min.css", "/style.css"],
      },
      <div class="stack">
        <div class="page-header">
          <h1>API</h1>
          <a class="button quiet" href="/openapi.json">
            OpenAPI document
          </a>
        </div>
        <p>
          Every path under <code>/api</code> requires the header{" "}
          <code>Authorization: Bearer &lt;token&gt;</code>. The response is 401 without a valid token, 403
          without the required scope and 429 above a rate limit. Errors have the form{" "}
          <code>{'{"message": "…"}'}</code>.
        </p>
        {reader}
        <noscript>
          <div class="stack">
            {[...byTag].map(([tag, endpoints]) => (
              <section aria-labelledby={`tag-${tag}`}>
                <h2 id={`tag-${tag}`}>{tag}</h2>
                <div class="stack">
                  {endpoints.map((endpoint) => (
                    <EndpointCard {...endpoint} />
                  ))}
                </div>
              </section>
            ))}
          </div>
        </noscript>
      </div>,
    );
  });
}

function endpointsOf(document: Document): Endpoint[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : [{ method: method.toUpperCase(), path, operation }];
    }),
  );
}

function EndpointCard({ method, path, operation }: Endpoint) {
  return (
    <article class="card">
      <h3>
        <code>
          {method} {path}
        </code>
      </h3>
      <p>
        {operation.summary}. {operation.description}
      </p>
      <p class="small muted">{requirement(operation)}</p>
      <Parameters of={operation} />
      <dl class="facts">
        {ownResponses(operation).map(([status, response]) => (
          <>
            <dt>{status}</dt>
            <dd>{"description" in response ? response.description : ""}</dd>
          </>
        ))}
      </dl>
    </article>
  );
}

/** The required scope. */
function requirement(operation: Operation & { "x-scope"?: string }): Child {
  const scope = operation["x-scope"];
  if (scope === undefined) return "No token required.";
  return (
    <>
      Requires the scope <code>{scope}</code>.
    </>
  );
}

/** The responses without those common to all endpoints. */
function ownResponses({
  responses,
  security,
}: Operation): [string, NonNullable<Operation["responses"]>[string]][] {
  const common = security?.length === 0 ? [] : ["401", "403", "429"];
  return Object.entries(responses ?? {}).filter(([status]) => !common.includes(status));
}

function Parameters({ of: { parameters, requestBody } }: { of: Operation }) {
  const queries = (parameters ?? []).flatMap((parameter) =>
    "in" in parameter && parameter.in === "query" ? [parameter.name] : [],
  );
  const schema =
    requestBody && "content" in requestBody ? requestBody.content["application/json"]?.schema : undefined;
  return (
    <>
      {queries.length > 0 && (
        <p class="small muted">
          Query: <code>{queries.join(", ")}</code>
        </p>
      )}
      {schema && (
        <p class="small muted">
          Body: <code>{("$ref" in schema && schema.$ref?.split("/").at(-1)) || "JSON"}</code>, see the OpenAPI
          document.
        </p>
      )}
    </>
  );
}
