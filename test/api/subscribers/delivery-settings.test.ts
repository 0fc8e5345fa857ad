import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import {
  type Answer,
  api,
  makeWebhook,
  notifications,
  readWebhook,
  spec,
  type WebhookAnswer,
} from "../../api";
import { rowCounts } from "../../row-counts";

const path = `${notifications}/subscribers/webhooks`;
const noLimits = { max_attempts: null, max_age_s: null };

function put(uuid: string, changes: unknown): Promise<Answer<{ message: string }>> {
  return api("PUT", `${path}/${uuid}`, changes);
}

describe("a webhook's ordering and retry", () => {
  it("are strict and without limits of its own unless something else is asked for", async () => {
    expect(await makeWebhook()).toMatchObject({ ordering: "strict", retry: noLimits });
    expect(await makeWebhook({ ordering: null, retry: null })).toMatchObject({
      ordering: "strict",
      retry: noLimits,
    });
    expect(await makeWebhook({ retry: {} })).toMatchObject({ retry: noLimits });
  });

  it.each<[string, Record<string, unknown>, object]>([
    ["strict order", { ordering: "strict" }, {}],
    ["keyed order", { ordering: "keyed" }, {}],
    ["no order", { ordering: "none" }, {}],
    ["one attempt", { retry: { max_attempts: 1 } }, { retry: { max_attempts: 1, max_age_s: null } }],
    ["100 attempts", { retry: { max_attempts: 100 } }, { retry: { max_attempts: 100, max_age_s: null } }],
    ["a minute", { retry: { max_age_s: 60 } }, { retry: { max_attempts: null, max_age_s: 60 } }],
    ["30 days", { retry: { max_age_s: 2_592_000 } }, { retry: { max_attempts: null, max_age_s: 2_592_000 } }],
    ["both limits", { retry: { max_attempts: 7, max_age_s: 3600 } }, {}],
  ])("may be %s, when it is made and in a change", async (_, settings, shown) => {
    const made = await makeWebhook(settings);
    expect(made).toMatchObject({ ...settings, ...shown });
    expect(await readWebhook(made.uuid)).toEqual(made);
    const { uuid } = await makeWebhook();
    expect((await put(uuid, settings)).status).toBe(200);
    expect(await readWebhook(uuid)).toMatchObject({ ...settings, ...shown });
  });

  it.each<[string, object, RegExp]>([
    ["an unknown ordering", { ordering: "fifo" }, /^ordering: must be strict, keyed or none\.$/],
    ["an ordering in upper case", { ordering: "STRICT" }, /^ordering: must be strict, keyed or none/],
    ["an empty ordering", { ordering: "" }, /^ordering: must be/],
    ["a flag for an ordering", { ordering: true }, /^ordering: must be/],
    [
      "no attempt",
      { retry: { max_attempts: 0 } },
      /^retry\.max_attempts: must be a whole number from 1 to 100\.$/,
    ],
    ["101 attempts", { retry: { max_attempts: 101 } }, /^retry\.max_attempts: must be a whole number/],
    ["half an attempt", { retry: { max_attempts: 1.5 } }, /^retry\.max_attempts: must be a whole number/],
    ["a text for attempts", { retry: { max_attempts: "3" } }, /^retry\.max_attempts: must be a whole number/],
    [
      "59 seconds",
      { retry: { max_age_s: 59 } },
      /^retry\.max_age_s: must be a whole number from 60 to 2592000\.$/,
    ],
    [
      "30 days and a second",
      { retry: { max_age_s: 2_592_001 } },
      /^retry\.max_age_s: must be a whole number/,
    ],
    [
      "an unknown limit",
      { retry: { attempts: 3 } },
      /^retry: unknown field attempts: a retry has the fields max_attempts, max_age_s/,
    ],
    [
      "a list for retry",
      { retry: [] },
      /^retry: a retry must be an object with the fields max_attempts, max_age_s/,
    ],
    ["a number for retry", { retry: 5 }, /^retry: a retry must be an object/],
  ])("may not be %s, and nothing is made or changed", async (_, settings, message) => {
    const refused = await api("POST", path, { ...spec, ...settings });
    expect(refused.status).toBe(400);
    expect(refused.body).toEqual({ message: expect.stringMatching(message) });
    expect(await rowCounts()).toEqual({ webhooks: 0, subscriptions: 0 });
    const made = await makeWebhook();
    const { status, body } = await put(made.uuid, { name: "New", ...settings });
    expect(status).toBe(400);
    expect(body).toEqual({ message: expect.stringMatching(message) });
    expect(await readWebhook(made.uuid)).toEqual(made);
  });

  it("stay when a change is about something else, and one limit when it is about the other", async () => {
    const { uuid } = await makeWebhook({ ordering: "keyed", retry: { max_attempts: 3, max_age_s: 600 } });
    await put(uuid, { name: "New" });
    await put(uuid, { ordering: null, retry: null, name: "Newer" });
    await put(uuid, { retry: { max_attempts: 4 } });
    expect(await readWebhook(uuid)).toMatchObject({
      name: "Newer",
      ordering: "keyed",
      retry: { max_attempts: 4, max_age_s: 600 },
    });
  });
});

describe("a webhook's state", () => {
  it("is shown wherever the webhook is", async () => {
    const { uuid } = await makeWebhook({ subscriptions: [{ event_type: "project:created" }] });
    await env.DB.prepare("UPDATE webhooks SET state = 'disabled', disabled_reason = 'It is gone.'").run();
    const shown = { state: "disabled", disabled_reason: "It is gone." };
    expect(await readWebhook(uuid)).toMatchObject(shown);
    for (const list of ["", "/subscribed-to/project:created"]) {
      const { body } = await api<{ subscribers: WebhookAnswer[] }>(
        "GET",
        `${notifications}/subscribers${list}`,
      );
      expect(body.subscribers).toMatchObject([{ uuid, ...shown }]);
    }
  });

  it("is accepted and ignored in what is sent in", async () => {
    const readOnly = { state: "disabled", disabled_reason: "x" };
    const made = await makeWebhook(readOnly);
    expect(made).toMatchObject({ state: "active", disabled_reason: null });
    expect((await put(made.uuid, { ...readOnly, name: "New" })).status).toBe(200);
    expect(await readWebhook(made.uuid)).toEqual({ ...made, name: "New" });
    expect((await put(made.uuid, readOnly)).status).toBe(400);
  });

  it("is sent back with the rest of the webhook without harm", async () => {
    const made = await makeWebhook({ ordering: "none", retry: { max_attempts: 3 } });
    const { url: _origin, ...sentBack } = made;
    expect((await put(made.uuid, sentBack)).status).toBe(200);
    expect(await readWebhook(made.uuid)).toEqual(made);
  });
});
