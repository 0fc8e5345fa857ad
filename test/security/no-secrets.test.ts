import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { runScheduled } from "../../src/scheduled";
import { type Answer, api, notifications, type WebhookAnswer } from "../api";
import { passTime, stopClock } from "../clock";
import { makeEvent } from "../event";
import { runAlarm } from "../lane";
import { consume } from "../queue";
import { receiver } from "../receiver";
import { hmacHex } from "../sign";

/** Everything that nobody may read: markers that nothing else contains. */
const secrets = {
  token: "test-token-of-the-suite",
  encryptionKey: env.ENCRYPTION_KEY,
  ingestSecret: env.ORCHEST_INGEST_SECRET,
  path: "path-of-the-url",
  query: "query-of-the-url",
  secret: "secret-of-the-webhook",
  nextSecret: "secret-that-comes-next",
  header: "value-of-a-header",
};
/** What may be answered to whoever asks for the event, and is in no log. */
const eventText = "text-of-the-event";

const spec = {
  url: `https://hooks.example.com/services/${secrets.path}?token=${secrets.query}`,
  name: "Alerts",
  verify_ssl: true,
  secret: secrets.secret,
  headers: { Authorization: `Bearer ${secrets.header}`, "X-Key": secrets.header },
  subscriptions: [{ event_type: "project:*" }],
};

type Document = { paths: Record<string, Record<string, { requestBody?: unknown }>> };

/** Calls the API and keeps each answer whole. */
function witness(): { answers: string[]; call: typeof api } {
  const answers: string[] = [];
  const call = async <Body>(...request: Parameters<typeof api>): Promise<Answer<Body>> => {
    const answer = await api<Body>(...request);
    const headers = JSON.stringify(Object.fromEntries(answer.headers));
    answers.push(`${request[0]} ${request[1]} ${answer.status} ${headers} ${answer.text}`);
    return answer;
  };
  return { answers, call };
}

/** Which secrets are in a text. */
function found(text: string, among: Record<string, string>): string[] {
  return Object.entries(among)
    .filter(([, secret]) => text.includes(secret))
    .map(([name]) => name);
}

beforeEach(stopClock);

describe("no answer and no line of the log shows a secret", () => {
  it("on a journey through every endpoint, with receivers of all kinds", async () => {
    // Answers in turn: an echo of everything, a redirect to the same URL, an error that names the URL, a refusal.
    const { received, logged } = receiver(({ url, headers, body }, index) => {
      const echo = JSON.stringify({ url, headers: Object.fromEntries(headers), body });
      if (index % 4 === 0) return new Response(echo, { headers: { "X-Echo": url } });
      if (index % 4 === 1) return new Response(echo, { status: 308, headers: { Location: url } });
      if (index % 4 === 2) return Promise.reject(new TypeError(`Fetch API cannot load: ${url}`));
      return new Response(echo, { status: 422 });
    });
    const { answers, call } = witness();
    const subscribers = `${notifications}/subscribers`;

    // Making, changing, trying out; with mistakes in the same breath.
    const { body: made } = await call<WebhookAnswer>("POST", `${subscribers}/webhooks`, spec);
    const one = `${subscribers}/${made.uuid}`;
    const mistakes: Record<string, unknown>[] = [
      { url: `${spec.url} ` },
      { url: spec.url.replace("https", "ftp") },
      { url: spec.url.replace("//", `//${secrets.secret}@`) },
      { url: spec.url.replace("hooks.example.com", "localhost") },
      { secret: `whsec_${secrets.secret}!` },
      { headers: { "X-Key": `${secrets.header}\n` } },
      { headers: { Host: secrets.header } },
      { verify_ssl: secrets.secret },
      { content_type: secrets.secret },
      { ordering: secrets.secret },
    ];
    for (const mistake of mistakes) {
      expect((await call("POST", `${subscribers}/webhooks`, { ...spec, ...mistake })).status).toBe(400);
      expect((await call("PUT", `${subscribers}/webhooks/${made.uuid}`, mistake)).status).toBe(400);
    }
    await call("POST", `${subscribers}/webhooks`, JSON.stringify(spec).slice(0, -1));
    for (let count = 0; count < 4; count += 1) {
      await call("POST", `${subscribers}/webhooks/pre-creation-test-ping-delivery`, spec);
      await call("GET", `${subscribers}/test-ping-delivery/${made.uuid}`);
    }
    await call("PUT", `${subscribers}/webhooks/${made.uuid}`, { url: spec.url, secret: secrets.secret });
    await call("POST", `${one}/rotate-secret`, { secret: secrets.nextSecret });

    // Events in by every door, out to every kind of receiver.
    const event = makeEvent({ text: eventText });
    await call("POST", "/api/events", event);
    await call("POST", "/api/events", { ...event, text: `${eventText} changed` });
    await call("POST", "/api/events", { ...event, type: eventText });
    const envelope = JSON.stringify({ delivered_for: {}, event: makeEvent({ text: eventText }) });
    for (const signature of [await hmacHex(secrets.ingestSecret, envelope), "wrong"]) {
      const headers = { "X-Hub-Signature": signature };
      await call("POST", "/api/events/orchest", envelope, { token: null, headers });
    }
    await consume([JSON.stringify(makeEvent({ text: eventText })), `{${eventText}`]);
    await consume([`{${eventText}`], "events-dlq");
    const before = received.length;
    for (let runs = 0; runs < 8; runs += 1) await runAlarm(made.uuid);
    expect(received.length).toBeGreaterThan(before);
    passTime(86_400_000);
    await runScheduled(env, Date.now());

    // Wrong and missing tokens.
    await call("GET", subscribers, undefined, { token: `${secrets.secret}-wrong` });
    await call("GET", subscribers, undefined, { token: null, headers: { Authorization: secrets.secret } });

    // Every endpoint that is described, with this webhook, its deliveries and its event.
    const { body: log } = await call<{ deliveries: { uuid: string }[] }>("GET", `${one}/deliveries`);
    const places: Record<string, string> = {
      delivery: log.deliveries[0]?.uuid ?? "none",
      event_type: "project:created",
      id: "1",
      replay: "1",
    };
    const { body: document } = await call<Document>("GET", "/openapi.json");
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { requestBody }]) => ({ path, method, requestBody })),
    );
    // What deletes comes last.
    operations.sort((a, b) => Number(a.method === "delete") - Number(b.method === "delete"));
    for (const { path, method, requestBody } of operations) {
      const uuid = path.startsWith("/api/events") ? event.uuid : made.uuid;
      const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
        name === "uuid" ? uuid : (places[name] ?? name),
      );
      await call(method.toUpperCase(), filled, requestBody === undefined ? undefined : spec);
    }
    for (const { uuid } of log.deliveries) await call("GET", `${one}/deliveries/${uuid}`);

    // A failure of ours whose text names everything.
    vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new Error(`Failed query: insert\nparams: ${JSON.stringify(secrets)} ${spec.url}`);
    });
    expect((await call("GET", subscribers)).status).toBe(503);
    // What health found is remembered for five seconds.
    passTime(5000);
    expect((await call("GET", "/health")).status).toBe(503);

    expect(operations.length).toBeGreaterThan(25);
    expect(answers.length).toBeGreaterThan(60);
    const leaking = answers.filter((answer) => found(answer, secrets).length > 0);
    expect(leaking.map((answer) => [answer.slice(0, 100), found(answer, secrets)])).toEqual([]);
    const lines = logged().split("\n");
    expect(lines.length).toBeGreaterThan(60);
    expect(lines.filter((line) => found(line, { ...secrets, eventText }).length > 0)).toEqual([]);
  });
});
