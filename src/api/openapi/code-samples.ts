/** `x-codeSamples` in the OpenAPI document. The reader at `/docs` makes samples in other languages itself. */
import type { OpenApiDocument } from "./document";

type Paths = NonNullable<OpenApiDocument["paths"]>;
type Operation = NonNullable<Paths[string]["get"]>;
type Example = { example?: unknown };
/** The members of a parameter or of a body that a sample needs, once it is known not to be a reference. */
type Parameter = Example & { name: string; in: string; schema?: Example };
type JsonBody = Example & { examples?: Record<string, { value?: unknown }>; schema?: { $ref?: string } };

const component = "#/components/schemas/";

/**
 * @param origin of the API. @param document which has the operation, and the examples of its schemas.
 * @returns a call of the operation in TypeScript with openapi-fetch, with the example of its body. Values of the path
 *   without an example are in angle brackets.
 */
export function typescriptSample(
  { method, path, operation }: { method: string; path: string; operation: Operation },
  { origin, document }: { origin: string; document: OpenApiDocument },
): { lang: string; label: string; source: string } {
  const needsToken = operation.security?.length !== 0;
  const init = {
    ...parametersOf(operation, needsToken ? ["path"] : ["path", "header"]),
    ...bodyOf(operation, document),
  };
  const argument = Object.keys(init).length === 0 ? "" : `, ${literal(init)}`;
  const lines = [
    'import createClient from "openapi-fetch";',
    `// npx openapi-typescript ${origin}/openapi.json -o schema.d.ts`,
    'import type { paths } from "./schema.d.ts";',
    "",
    "const client = createClient<paths>({",
    `  baseUrl: ${JSON.stringify(origin)},`,
    ...(needsToken ? ["  headers: { Authorization: `Bearer ${process.env.GATEWAY_TOKEN}` },"] : []),
    "});",
    `const { data, error } = await client.${method.toUpperCase()}(${JSON.stringify(path)}${argument});`,
    "console.log(data ?? error);",
  ];
  return { lang: "TypeScript", label: "TypeScript", source: `${lines.join("\n")}\n` };
}

/** @returns `{params: {path: {uuid: "…"}}}` of the parameters at these places; nothing when there are none. */
function parametersOf({ parameters = [] }: Operation, places: readonly string[]): object {
  const params: Record<string, Record<string, unknown>> = {};
  for (const { name, in: place, example, schema } of parameters as Parameter[]) {
    if (!places.includes(place)) continue;
    params[place] = { ...params[place], [name]: example ?? schema?.example ?? `<${name}>` };
  }
  return Object.keys(params).length === 0 ? {} : { params };
}

/** @returns `{body: …}` with the first example of the JSON body or the one of its schema; nothing without a body. */
function bodyOf({ requestBody }: Operation, { components }: OpenApiDocument): object {
  if (requestBody === undefined || !("content" in requestBody)) return {};
  const json = requestBody.content["application/json"] as JsonBody | undefined;
  const schema = components?.schemas?.[json?.schema?.$ref?.slice(component.length) ?? ""] as
    | Example
    | undefined;
  const [first] = Object.values(json?.examples ?? {});
  const body = first?.value ?? json?.example ?? schema?.example;
  return body === undefined ? {} : { body };
}

/** @returns the value in TypeScript, whose keys need no quotes. */
function literal(value: object): string {
  return JSON.stringify(value, null, 2).replaceAll(/^( *)"([a-z_]\w*)":/gim, "$1$2:");
}
