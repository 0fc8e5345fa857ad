import { describe, expect, it, vi } from "vitest";
import { api, makeWebhook, notifications } from "../../api";
import { deliveriesOf } from "../../deliveries";
import { makeListener } from "../../event";
import { receiver } from "../../receiver";
import { post, signIn } from "../page";
import { audited, deliver } from "../webhooks/people";

/** A form whose parts nobody can tell from each other: no boundary is named. */
const boundless = { "Content-Type": "multipart/form-data" };

describe("a form that cannot be read", () => {
  it.each([
    "/sign-in",
    "/events/new",
    "/dead/replay",
    "/job-failures",
    "/webhooks/new",
    "/webhooks/:uuid/edit",
    "/webhooks/:uuid/test",
    "/webhooks/:uuid/replay",
    "/webhooks/:uuid/rotate-secret",
    "/webhooks/:uuid/delete",
  ])("is a 400 that says so, and changes nothing: POST %s", async (path) => {
    const { received } = receiver();
    const { uuid } = await makeWebhook();
    const cookie = await signIn("test-token-of-the-suite");
    const answer = await post(path.replace(":uuid", uuid), {}, { cookie, headers: boundless });
    expect(answer.status).toBe(400);
    expect(answer.html).toContain("<p>The form could not be read.</p>");
    expect((await audited())[0]).toBe("session.started");
    expect((await api("GET", `${notifications}/subscribers/${uuid}`)).status).toBe(200);
    expect(received).toEqual([]);
  });

  it.each(["redeliver", "skip"])("is one of a delivery, too: %s", async (what) => {
    const { received } = receiver(() => new Response("", { status: 503 }));
    const { uuid } = await makeListener();
    const delivery = await deliver(uuid, "failed");
    const cookie = await signIn("test-token-of-the-suite");
    const path = `/webhooks/${uuid}/deliveries/${delivery.uuid}/${what}`;
    const { status, html } = await post(path, {}, { cookie, headers: boundless });
    expect(status).toBe(400);
    expect(html).toContain("<p>The form could not be read.</p>");
    expect((await audited())[0]).toBe("session.started");
    expect((await deliveriesOf(uuid))[0]).toMatchObject({ status: "failed", attempts_made: 1 });
    await vi.waitFor(() => expect(received).toHaveLength(1));
  });

  it("is one of another kind, such as JSON", async () => {
    const { uuid } = await makeWebhook();
    const cookie = await signIn("test-token-of-the-suite");
    const headers = { "Content-Type": "application/json" };
    const { status } = await post(`/webhooks/${uuid}/rotate-secret`, {}, { cookie, headers });
    expect(status).toBe(400);
  });
});
