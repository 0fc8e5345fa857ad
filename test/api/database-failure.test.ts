import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { isDatabaseFailure } from "../../src/http/database-failure";
import { api, notifications, spec } from "../api";
import { makeListener } from "../event";
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
