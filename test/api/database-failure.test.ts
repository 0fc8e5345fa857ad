import { env } from "cloudflare:workers";
import { createExecutionContext } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { isDatabaseFailure } from "../../src/http/database-failure";
import gateway from "../../src/index";
import { api, notifications, spec } from "../api";
import { makeEvent, makeListener, publish } from "../event";
import { post, signIn } from "../pages/page";
import { receiver } from "../receiver";

/** Has every statement fail that changes something, as D1 does while its disk is full or it is moved. */
function breakChanges(): void {
  const prepare = env.DB.prepare.bind(env.DB);
  vi.spyOn(env.DB, "prepare").mockImplementation((query) => {
    if (/^\s*(?:insert|update|delete|with)\b/i.test(query))
      throw new Error("D1_ERROR: Network connection lost.");
    return prepare(query);
  });
}

const webhooks = `${notifications}/subscribers/webhooks`;

describe("while D1 takes no changes,", () => {
  it("each change of a webhook by the API is a 503 with Retry-After that says so", async () => {
    receiver();
    const { uuid } = await makeListener();
    const own = `${notifications}/subscribers/${uuid}`;
    vi.spyOn(console, "error").mockReturnValue();
    breakChanges();
    const answers = [
      await api("POST", webhooks, spec),
      await api("PUT", `${webhooks}/${uuid}`, { name: "Other" }),
      await api("PUT", `${webhooks}/${uuid}`, { subscriptions: [{ event_type: "project:created" }] }),
      await api("POST", `${own}/rotate-secret`, {}),
      await api("DELETE", own),
      await api("POST", "/api/tokens", { name: "CI", scopes: ["webhooks:read"] }),
    ];
    for (const { status, headers, body } of answers) {
      expect({ status, retryAfter: headers.get("Retry-After"), body }).toEqual({
        status: 503,
        retryAfter: "5",
        body: { message: expect.stringMatching(/database .*(again|repeat)/) },
      });
    }
  });

  it("each form of the pages leads to a page that says so", async () => {
    receiver();
    const { uuid, name } = await makeListener();
    const cookie = await signIn("test-token-of-the-suite");
    vi.spyOn(console, "error").mockReturnValue();
    breakChanges();
    const answers = [
      await post(
        `/webhooks/${uuid}/rotate-secret`,
        { secret: "another-secret-of-16", grace: "0" },
        { cookie },
      ),
      await post(`/webhooks/${uuid}/delete`, { name }, { cookie }),
    ];
    for (const { status, headers, html } of answers) {
      expect({ status, retryAfter: headers.get("Retry-After") }).toEqual({ status: 503, retryAfter: "5" });
      expect(html).toMatch(/The (gateway&#39;s )?database (stopped answering|did not)/);
    }
  });
});

const hangs = (): Promise<never> => new Promise(() => undefined);

/** Has no statement of D1 end. */
function hangDatabase(): void {
  const statement = Object.getPrototypeOf(env.DB.prepare("SELECT 1")) as D1PreparedStatement;
  for (const method of ["run", "all", "first", "raw"] as const)
    vi.spyOn(statement, method).mockImplementation(hangs);
  vi.spyOn(env.DB, "batch").mockImplementation(hangs);
}

/** Lets time pass until the answer comes. Called here and not through `exports`, so that the timers are the test's. */
async function answerInTime(method: string, path: string, body?: object): Promise<Response> {
  const request = new Request(`http://gateway.test${path}`, {
    method,
    headers: { Authorization: "Bearer test-token-of-the-suite", "Content-Type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answers: Response[] = [];
  const answered = (async () => answers.push(await gateway.fetch(request, env, createExecutionContext())))();
  for (;;) {
    const [answer] = answers;
    if (answer !== undefined) return answer;
    await Promise.race([answered, scheduler.wait(1)]);
    await vi.advanceTimersByTimeAsync(1000);
  }
}

describe("while D1 hangs,", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));

  it("each request about a webhook is a 503 with Retry-After", async () => {
    receiver();
    const { uuid } = await makeListener();
    const own = `${notifications}/subscribers/${uuid}`;
    vi.spyOn(console, "error").mockReturnValue();
    vi.spyOn(console, "warn").mockReturnValue();
    hangDatabase();
    for (const [method, path, body] of [
      ["POST", webhooks, spec],
      ["PUT", `${webhooks}/${uuid}`, { name: "Other" }],
      ["POST", `${own}/rotate-secret`, {}],
      ["POST", `${own}/pause`],
      ["DELETE", own],
      ["GET", own],
      ["GET", webhooks],
    ] as const) {
      const { status, headers } = await answerInTime(method, path, body);
      expect([method, path, status, headers.get("Retry-After")]).toEqual([method, path, 503, "5"]);
    }
  });

  it("so is each other request that needs it", async () => {
    receiver();
    vi.spyOn(console, "error").mockReturnValue();
    vi.spyOn(console, "warn").mockReturnValue();
    hangDatabase();
    for (const [method, path, body] of [
      ["POST", "/api/tokens", { name: "CI", scopes: ["webhooks:read"] }],
      ["GET", "/api/tokens"],
      ["DELETE", `/api/tokens/${crypto.randomUUID()}`],
      ["GET", "/api/audit"],
      ["GET", "/api/rejected"],
      ["GET", "/api/dead"],
      ["POST", "/api/rejected/redrive", {}],
    ] as const) {
      const { status, headers } = await answerInTime(method, path, body);
      expect([method, path, status, headers.get("Retry-After")]).toEqual([method, path, 503, "5"]);
    }
  });
});

it("an event whose shard is gone is a 503 that names the shard", async () => {
  receiver();
  const event = makeEvent();
  await publish(event);
  vi.spyOn(console, "warn").mockReturnValue();
  vi.spyOn(env.SHARDS, "getByName").mockImplementation(() => {
    throw new Error("The shard is gone.");
  });
  const one = await api<{ message: string }>("GET", `/api/events/${event.uuid}`);
  expect([one.status, one.headers.get("Retry-After")]).toEqual([503, "1"]);
  expect(one.body.message).toMatch(/^Event shard \d+,/);
  const list = await api("GET", "/api/events");
  expect([list.status, list.headers.get("Retry-After")]).toEqual([503, "1"]);
});

function query(cause: Error): Error {
  return new Error("Failed query: select 'D1_ERROR'\nparams: ", { cause });
}

describe("a failure of D1", () => {
  it("is told from mistakes of ours by what it says, or by where it comes from", () => {
    const ofApi = new Error("internal error; reference = abc");
    ofApi.stack = "Error: internal error\n    at D1Database._send (cloudflare-internal:d1-api:201:16)";
    for (const failure of [
      new Error("D1_ERROR: Network connection lost."),
      new Error("D1_EXEC_ERROR: no such table"),
      query(new Error("Network connection lost.")),
      ofApi,
      query(ofApi),
    ]) {
      expect(isDatabaseFailure(failure), failure.message).toBe(true);
    }
    for (const other of [
      new Error("D1_ERROR: UNIQUE constraint failed: webhooks.uuid: SQLITE_CONSTRAINT"),
      query(new Error("D1_ERROR: CHECK constraint failed: tokens")),
      new TypeError("x is undefined"),
      "D1_ERROR",
      null,
    ]) {
      expect(isDatabaseFailure(other), String(other)).toBe(false);
    }
  });
});
