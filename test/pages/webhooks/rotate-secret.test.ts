import { beforeEach, describe, expect, it, vi } from "vitest";
import { makeWebhook } from "../../api";
import { stopClock } from "../../clock";
import { makeEvent, makeListener, publish } from "../../event";
import { receiver } from "../../receiver";
import { hmacHex } from "../../sign";
import { webhookSecret } from "../../secrets";
import { follow, get, post } from "../page";
import { audited, reader, writer } from "./people";

beforeEach(stopClock);

function secretIn(html: string): string {
  return /id="secret"[^>]* value="([^"]*)"/.exec(html)?.[1] ?? "";
}

describe("the page for a new secret", () => {
  it("shows a newly generated one each time", async () => {
    const { uuid } = await makeWebhook();
    const cookie = await writer();
    const [one, other] = [
      (await get(`/webhooks/${uuid}/rotate-secret`, cookie)).html,
      (await get(`/webhooks/${uuid}/rotate-secret`, cookie)).html,
    ].map(secretIn);
    expect(one).toMatch(/^[0-9a-f]{128}$/);
    expect(other).not.toBe(one);
  });

  it("changes the secret: what is sent from then on is signed with it", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    const cookie = await writer();
    const secret = secretIn((await get(`/webhooks/${uuid}/rotate-secret`, cookie)).html);
    const answer = await post(`/webhooks/${uuid}/rotate-secret`, { secret, grace: "3600" }, { cookie });
    expect(answer.headers.get("Location")).toBe(`/webhooks/${uuid}`);
    const { html } = await follow(answer, cookie);
    expect(html).toContain("The secret was rotated. The previous one also signs");
    expect(html).toContain("until 1 Jan 2040, 01:00 UTC");
    expect(html).toContain("Then X-Hub-Signature changes over to the new one.");
    expect(html).not.toContain(secret);
    await publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(1));
    const [sent] = received;
    expect(sent?.headers.get("X-Hub-Signature")).toBe(await hmacHex(webhookSecret, sent?.body ?? ""));
    expect(sent?.headers.get("webhook-signature")?.split(" ")).toHaveLength(2);
    expect((await audited())[0]).toBe("webhook.secret_rotated");
  });

  it("signs X-Hub-Signature with the new secret at once where that is chosen", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    const fields = { secret: "mine", grace: "3600", hub: "new" };
    await post(`/webhooks/${uuid}/rotate-secret`, fields, { cookie: await writer() });
    await publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect(received[0]?.headers.get("X-Hub-Signature")).toBe(await hmacHex("mine", received[0]?.body ?? ""));
  });

  it("ends the old secret at once where no grace period is wanted", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    const cookie = await writer();
    const answer = await post(`/webhooks/${uuid}/rotate-secret`, { secret: "mine", grace: "0" }, { cookie });
    expect((await follow(answer, cookie)).html).toContain("Only the new one signs.");
    await publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect(received[0]?.headers.get("webhook-signature")?.split(" ")).toHaveLength(1);
  });

  it("keeps what was typed when it is refused, and changes nothing", async () => {
    const { uuid } = await makeWebhook();
    const cookie = await writer();
    const { status, html } = await post(
      `/webhooks/${uuid}/rotate-secret`,
      { secret: "", grace: "604800" },
      { cookie },
    );
    expect(status).toBe(400);
    expect(html).toContain("Keep the generated secret, or enter your own.");
    expect(html).toContain('<option value="604800" selected="">');
    expect((await audited())[0]).toBe("session.started");
  });

  it.each([
    ["a".repeat(1025), "Must be at most 1024 characters."],
    [
      "whsec_!",
      "Must be base64 after whsec_ (Standard Webhooks), with its padding, or not start with whsec_.",
    ],
  ])("says beside the field what is wrong with a secret", async (secret, sentence) => {
    const { uuid } = await makeWebhook();
    const cookie = await writer();
    const { status, html } = await post(`/webhooks/${uuid}/rotate-secret`, { secret }, { cookie });
    expect(status).toBe(400);
    expect(/id="secret-error">([^<]*)</.exec(html)?.[1]).toBe(sentence);
    expect((await audited())[0]).toBe("session.started");
  });

  it("is not for readers", async () => {
    const { uuid } = await makeWebhook();
    const cookie = await reader();
    expect((await get(`/webhooks/${uuid}/rotate-secret`, cookie)).status).toBe(403);
    expect((await post(`/webhooks/${uuid}/rotate-secret`, { secret: "mine" }, { cookie })).status).toBe(403);
  });
});
