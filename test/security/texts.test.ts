import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/app";
import type { Scope } from "../../src/auth/scopes";
import { api, makeWebhook, notifications } from "../api";
import { change, deliveryAt } from "../deliveries";
import { makeEvent, publish } from "../event";
import { get, post, signIn } from "../pages/page";
import { receiver } from "../receiver";
import { listTokens, makeUsedToken } from "../tokens";

/** What stands only in an event's text, in a rejected message, and in what receivers answer. */
const words = /(?:event|project|job|rejected|answer|header|refusal)-words/g;

const type = "project:one-off-job:pipeline-run:failed";
const project = { uuid: "aaaaaaaa-0000-4000-8000-000000000001", name: "project-words" };
const job = { uuid: "aaaaaaaa-0000-4000-8000-000000000002", name: "job-words" };

/** What stands in the paths of what there is to read. */
type Present = { uuid: string; delivery: string; event: string; replay: string };

/** A gateway with one of each thing that has texts: a delivered delivery, one that waits and one that is dead. */
async function inhabit(): Promise<Present> {
  receiver(({ url }) => {
    const headers = { "X-Answer": "header-words" };
    return url.includes("good")
      ? new Response("answer-words", { headers })
      : new Response("refusal-words", { status: 404, headers });
  });
  const subscriptions = [{ event_type: type }];
  const good = await makeWebhook({ url: "https://good.example.com/", name: "Good", subscriptions });
  const bad = await makeWebhook({ url: "https://bad.example.com/", name: "Bad", subscriptions });
  const event = makeEvent({ type, project: { ...project, job }, note: "event-words" });
  for (const one of [event, { ...event, uuid: crypto.randomUUID() }]) await publish(one);
  await vi.waitFor(async () => {
    expect((await deliveryAt(good.uuid, 2)).status).toBe("delivered");
    expect((await deliveryAt(bad.uuid, 1)).status).toBe("failed");
  });
  await change("skip", bad.uuid, 1);
  await vi.waitFor(async () => expect((await deliveryAt(bad.uuid, 2)).status).toBe("failed"));
  await env.DB.prepare(
    "INSERT INTO rejected (message_id, reason, body, received_at) VALUES ('m', 'why', 'rejected-words', 1)",
  ).run();
  const since = new Date(Date.now() - 60_000).toISOString();
  const path = `${notifications}/subscribers/${good.uuid}/replay`;
  const { body } = await api<{ replay: string }>("POST", path, { since, status: "dead" });
  const { uuid: delivery } = await deliveryAt(good.uuid, 1);
  return { uuid: good.uuid, delivery, event: event.uuid, replay: body.replay };
}

/** Every path of the API that is read, about what there is. */
function readPaths(present: Present): string[] {
  const document = createApp().getOpenAPI31Document({ openapi: "3.1.0", info: { title: "", version: "" } });
  const paths = Object.entries(document.paths ?? {}).flatMap(([path, item]) => ("get" in item ? [path] : []));
  // A test ping is sent, and answers with success or failure.
  const read = paths.filter((path) => !path.includes("test-ping-delivery"));
  return read.map((path) =>
    path
      .replace("/events/{uuid}", `/events/${present.event}`)
      .replace("{event_type}", encodeURIComponent(type))
      .replaceAll(/\{(uuid|delivery|replay)\}/g, (_, name: "uuid" | "delivery" | "replay") => present[name]),
  );
}

/** All that the pages link to, from the list of webhooks on, and what they say. */
async function crawl(cookie: string, beginning: string[]): Promise<Map<string, string>> {
  const seen = new Map<string, string>();
  const waiting = [...beginning];
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    if (seen.has(path)) continue;
    const { html } = await get(path, cookie);
    seen.set(path, html);
    const links = [...html.matchAll(/ href="(\/[^"]*)"/g)].map(([, href = ""]) =>
      href.replaceAll("&amp;", "&"),
    );
    waiting.push(...links.filter((href) => !/\.(?:css|svg|json)$|^\/cdn-cgi/.test(href)));
  }
  return seen;
}

/** The words that some texts hold, each once. */
function wordsIn(texts: Iterable<string>): string[] {
  return [...new Set([...texts].flatMap((text) => text.match(words) ?? []))].toSorted();
}

/** Whoever has these scopes. */
async function holder(...scopes: Scope[]): Promise<{ token: string; cookie: string }> {
  const { token } = await makeUsedToken(scopes);
  return { token, cookie: await signIn(token) };
}

const inAnswers = [
  "answer-words",
  "event-words",
  "header-words",
  "job-words",
  "project-words",
  "rejected-words",
];
const onPages = [
  "answer-words",
  "event-words",
  "header-words",
  "job-words",
  "project-words",
  "refusal-words",
];

it("only with deliveries:read does any path or page show an event's text or a receiver's answer", async () => {
  const present = await inhabit();
  const paths = readPaths(present);
  const [delivery, like] = [
    `/webhooks/${present.uuid}/deliveries/${present.delivery}`,
    `/events/new?like=${present.event}`,
  ];
  const holders: [scopes: Scope[], mayRead: boolean][] = [
    [["webhooks:read", "events:publish"], false],
    [["webhooks:write", "events:publish"], false],
    [["deliveries:read"], true],
    [["admin"], true],
  ];
  for (const [scopes, mayRead] of holders) {
    const { token, cookie } = await holder(...scopes);
    const answers = await Promise.all(paths.map((path) => api("GET", path, undefined, { token })));
    expect(wordsIn(answers.map(({ text }) => text))).toEqual(mayRead ? inAnswers : []);
    const pages = await crawl(cookie, ["/", "/events", "/dead", "/webhooks/new", delivery, like]);
    const deliveryPages = [...pages.keys()].filter((path) => path.includes("/deliveries/"));
    expect(deliveryPages.length).toBeGreaterThanOrEqual(4);
    expect(wordsIn(pages.values())).toEqual(mayRead ? onPages : []);
  }
});

describe("with webhooks:read alone", () => {
  it("the API gives state, attempts and sent headers, and null in place of texts", async () => {
    const present = await inhabit();
    const { token } = await holder("webhooks:read");
    const read = async (path: string): Promise<unknown> =>
      (await api("GET", path, undefined, { token })).body;
    const path = `${notifications}/subscribers/${present.uuid}/deliveries/${present.delivery}`;
    expect(await read(path)).toMatchObject({
      status: "delivered",
      event_type: type,
      request: { headers: { "X-Orchest-Event": type }, body: null },
      attempts: [{ number: 1, status: 200, error: null, response_headers: null, response_body: null }],
    });
    expect(await read(`/api/events/${present.event}`)).toMatchObject({
      uuid: present.event,
      type,
      project_uuid: project.uuid,
      job_uuid: job.uuid,
      deliveries: [{ status: "delivered" }, { status: "dead" }],
      event: null,
    });
    expect(await read("/api/rejected")).toMatchObject({ rejected: [{ id: 1, reason: "why", body: null }] });
  });

  it("pages say which scope is missing where texts would be, and call projects and jobs by UUIDs", async () => {
    const present = await inhabit();
    const { cookie } = await holder("webhooks:read", "events:publish");
    const delivery = await get(`/webhooks/${present.uuid}/deliveries/${present.delivery}`, cookie);
    expect(delivery.status).toBe(200);
    // The answer to the attempt, the request's body and the event.
    expect(delivery.html.match(/the scope <code>deliveries:read<\/code>/g)).toHaveLength(3);
    expect(delivery.html).not.toContain("As a curl command");
    const event = await get(`/events/${present.event}`, cookie);
    expect(event.html.match(/the scope <code>deliveries:read<\/code>/g)).toHaveLength(1);
    expect(event.html).not.toContain("Publish another one like it");
    const like = await get(`/events/new?like=${present.event}`, cookie);
    expect(like.status).toBe(403);
    expect(like.html).toContain("the scope <code>deliveries:read</code>");
    const { html } = await get("/events", cookie);
    expect(html).toContain(`>${project.uuid}<`);
    expect(html).toContain(`>${job.uuid}<`);
  });
});

it("a test ping's outcome repeats the receiver's words only to those who may read answers", async () => {
  receiver(() => new Response("refusal-words", { status: 404 }));
  const { uuid } = await makeWebhook();
  const said = async (...scopes: Scope[]): Promise<string> => {
    const { cookie } = await holder(...scopes);
    const { headers } = await post(`/webhooks/${uuid}/test`, {}, { cookie });
    return decodeURIComponent(headers.get("Set-Cookie") ?? "");
  };
  expect(await said("webhooks:write")).toContain("the receiver answered 404 Not Found.");
  expect(await said("webhooks:write", "deliveries:read")).toContain("404 Not Found: “refusal-words”.");
});

it("a token from before deliveries:read keeps what it could do", async () => {
  const migration = env.TEST_MIGRATIONS.find((query) => query.includes("'deliveries:read'")) ?? "";
  const held: Scope[][] = [
    ["webhooks:read"],
    ["webhooks:write"],
    ["events:publish", "webhooks:read"],
    ["events:publish"],
    ["admin"],
  ];
  for (const [index, scopes] of held.entries()) {
    await env.DB.prepare(
      "INSERT INTO tokens (uuid, name, hash_start, hash, scopes, created_at) VALUES (?1, ?1, ?1, '', ?2, 1)",
    )
      .bind(String(index), JSON.stringify(scopes))
      .run();
  }
  // Once more changes nothing.
  for (let times = 0; times < 2; times++) await env.DB.prepare(migration).run();
  expect((await listTokens()).toReversed().map(({ scopes }) => scopes)).toEqual([
    ["webhooks:read", "deliveries:read"],
    ["webhooks:write", "deliveries:read"],
    ["events:publish", "webhooks:read", "deliveries:read"],
    ["events:publish"],
    ["admin"],
  ]);
});
