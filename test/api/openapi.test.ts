import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { version } from "../../package.json";
import { api, makeWebhook } from "../api";
import { receiver } from "../receiver";
import { hmacHex } from "../sign";

type Content = Record<
  string,
  { schema?: { $ref?: string }; example?: unknown; examples?: Record<string, { value: unknown }> }
>;
type Operation = {
  operationId: string;
  description?: string;
  tags: string[];
  requestBody?: { content: Content };
  responses: Record<string, { headers?: Record<string, unknown> }>;
  security?: unknown[];
  "x-codeSamples"?: { lang: string; label: string; source: string }[];
};
type Document = {
  info: Record<string, unknown>;
  servers: { url: string }[];
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  webhooks: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { example?: unknown }> };
};

let document: Document;
let operations: { method: string; path: string; operation: Operation }[];

beforeAll(async () => {
  document = (await api<Document>("GET", "/openapi.json", undefined, { token: null })).body;
  operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
});

/** The examples of a body: its own, or that of its schema. */
function examplesOf({ requestBody }: Operation): unknown[] {
  const json = requestBody?.content["application/json"];
  if (json === undefined) return [];
  const named = Object.values(json.examples ?? {}).map(({ value }) => value);
  const schema = document.components.schemas[json.schema?.$ref?.split("/").at(-1) ?? ""];
  return [...named, ...[json.example ?? schema?.example].filter((example) => example !== undefined)];
}

/** The second argument of the call in a sample. */
function samplesArgument(source: string): { body?: unknown } {
  const [, argument] = /await client\.\w+\("[^"]+", ([^]*)\);\nconsole/.exec(source) ?? [];
  return JSON.parse((argument ?? "{}").replaceAll(/^( *)(\w+):/gm, '$1"$2":')) as { body?: unknown };
}

describe("the OpenAPI document", () => {
  it("says the release, the server, the licence and whom to ask", () => {
    expect(document.info).toMatchObject({
      version,
      license: { identifier: "Apache-2.0" },
      contact: { url: expect.any(String) },
    });
    expect(document.servers).toMatchObject([{ url: "http://gateway.test" }]);
  });

  it("gives every operation a name of its own, a description and tags that are described", () => {
    const all = [
      ...operations.map(({ operation }) => operation),
      ...Object.values(document.webhooks).flatMap(Object.values<Operation>),
    ];
    expect(new Set(all.map(({ operationId }) => operationId)).size).toBe(all.length);
    const tags = new Set(document.tags.map(({ name }) => name));
    for (const { operationId, description, tags: own } of all) {
      expect(operationId).toMatch(/^[a-z]+(?:[A-Z][a-z]+)+$/);
      expect(description, operationId).toMatch(/\w/);
      expect(
        own.every((tag) => tags.has(tag)),
        operationId,
      ).toBe(true);
    }
  });

  it("has a sample in TypeScript for every operation, with its path, the example of its body, and a token where it needs one", () => {
    for (const { method, path, operation } of operations) {
      const { operationId, security } = operation;
      const [sample] = operation["x-codeSamples"] ?? [];
      expect(sample, operationId).toMatchObject({ lang: "TypeScript", label: "TypeScript" });
      const source = sample?.source ?? "";
      expect(source).toContain(`await client.${method}("${path}"`);
      expect(source).toContain('baseUrl: "http://gateway.test"');
      expect(source.includes("Bearer ${process.env.GATEWAY_TOKEN}"), operationId).toBe(
        security?.length !== 0,
      );
      for (const [, name] of path.matchAll(/\{(\w+)\}/g))
        expect(source, operationId).toContain(` ${name}: "`);
      const [example] = examplesOf(operation);
      const { body } = samplesArgument(source);
      expect(body, operationId).toEqual(example);
    }
    const orchest = operations.find(({ operation }) => operation.operationId === "publishEventFromOrchest");
    expect(orchest?.operation["x-codeSamples"]?.[0]?.source).toContain('"x-hub-signature": "');
  });

  it("says which event type never happens", () => {
    const list = operations.find(({ operation }) => operation.operationId === "listSubscribableEvents");
    expect(list?.operation.description).toContain("never sends it");
    expect(list?.operation.description).toContain("project:cron-job:succeeded");
  });

  it("has every status that middleware answers with, and their headers", () => {
    for (const { operation } of operations) {
      const { responses, requestBody, security, operationId } = operation;
      const expected = ["500"];
      if (security?.length !== 0) expected.push("401", "403", "429");
      if (requestBody !== undefined) expected.push("413", "415");
      expect(Object.keys(responses), operationId).toEqual(expect.arrayContaining(expected));
      expect(responses[401]?.headers ?? { "WWW-Authenticate": 1 }, operationId).toHaveProperty(
        "WWW-Authenticate",
      );
      expect(responses[429]?.headers ?? { "Retry-After": 1 }, operationId).toHaveProperty("Retry-After");
      expect(responses[415]?.headers ?? { "Accept-Encoding": 1 }, operationId).toHaveProperty(
        "Accept-Encoding",
      );
    }
  });

  it("describes what receivers get, with each header of a delivery", async () => {
    const { received } = receiver();
    const { uuid } = await makeWebhook();
    await api("GET", `/api/notifications/subscribers/test-ping-delivery/${uuid}`);
    const described = Object.values(document.webhooks).map((item) =>
      (item["post"] as unknown as { parameters: { name: string }[] }).parameters.map(({ name }) =>
        name.toLowerCase(),
      ),
    );
    const common = new Set(["accept-encoding", "content-type", "user-agent"]);
    const sent = [...(received[0]?.headers.keys() ?? [])].filter((name) => !common.has(name));
    for (const names of described) expect(names).toEqual(expect.arrayContaining(sent));
  });

  it("has examples that the API takes, for every body", async () => {
    receiver();
    const { uuid } = await makeWebhook();
    for (const { method, path, operation } of operations) {
      if (operation.requestBody === undefined) continue;
      const examples = examplesOf(operation);
      expect(examples, operation.operationId).not.toEqual([]);
      for (const example of examples) {
        const body = JSON.stringify(example);
        const signature = await hmacHex(env.ORCHEST_INGEST_SECRET, body);
        const headers: Record<string, string> =
          path === "/api/events/orchest" ? { "X-Hub-Signature": signature } : {};
        const answer = await api(method, path.replace("{uuid}", uuid), body, { headers });
        expect({
          operation: operation.operationId,
          body,
          status: answer.status,
          text: answer.text,
        }).toMatchObject({
          status: expect.toSatisfy((status: number) => status >= 200 && status < 300),
        });
      }
    }
  });
});
