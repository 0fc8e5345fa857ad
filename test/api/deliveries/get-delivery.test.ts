import { beforeEach, describe, expect, it, vi } from "vitest";
import { deliveryUuid } from "../../../src/send/delivery-uuid";
import { api, notifications, spec } from "../../api";
import { stopClock } from "../../clock";
import { deliveriesOf, deliveryAt, getDelivery } from "../../deliveries";
import { makeEvent, makeListener, publish } from "../../event";
import { runAlarm } from "../../lane";
import { receiver } from "../../receiver";

const unknown = "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";

beforeEach(stopClock);

/** Publishes one event and lets its delivery fail once and then succeed. */
async function failOnce(changes: Record<string, unknown> = {}) {
  const { received } = receiver((_, index) =>
    index === 0
      ? new Response("out of order", { status: 503, headers: { "X-Reason": "maintenance" } })
      : new Response("thanks"),
  );
  const { uuid } = await makeListener(changes);
  await publish(makeEvent());
  await vi.waitFor(async () => expect((await deliveriesOf(uuid))[0]?.status).toBe("failed"));
  await runAlarm(uuid);
  await vi.waitFor(async () => expect((await deliveriesOf(uuid))[0]?.status).toBe("delivered"));
  return { received, uuid, delivery: await deliveryAt(uuid, 1) };
}

describe("GET /subscribers/{uuid}/deliveries/{delivery}", () => {
  it("gives what the list gives, and every attempt, oldest first", async () => {
    const { uuid, delivery } = await failOnce();
    const { status, body } = await getDelivery(uuid, delivery.uuid);
    expect(status).toBe(200);
    expect(body).toEqual({
      ...delivery,
      carries: [],
      request: expect.any(Object),
      attempts: [
        {
          number: 1,
          started_at: delivery.accepted_at,
          duration_ms: expect.any(Number),
          egress: null,
          status: 503,
          error: "http_5xx",
          response_headers: expect.objectContaining({ "x-reason": "maintenance" }),
          response_body: "out of order",
        },
        {
          number: 2,
          started_at: expect.stringMatching(/^2040-.*Z$/),
          duration_ms: expect.any(Number),
          egress: null,
          status: 200,
          error: null,
          response_headers: expect.any(Object),
          response_body: "thanks",
        },
      ],
    });
  });

  it.each(["application/json", "application/x-www-form-urlencoded"])(
    "gives the exact body and the headers that the latest attempt sent, as %s",
    async (content_type) => {
      const { received, uuid, delivery } = await failOnce({ content_type });
      const { request } = (await getDelivery(uuid, delivery.uuid)).body;
      expect(request?.body).toBe(received[1]?.body);
      const sent = Object.entries(request?.headers ?? {});
      expect(sent.length).toBeGreaterThan(5);
      for (const [name, value] of sent) expect(received[1]?.headers.get(name)).toBe(value);
    },
  );

  it("gives the body as it was sent, also after the webhook was changed", async () => {
    const { received, uuid, delivery } = await failOnce();
    await api("PUT", `${notifications}/subscribers/webhooks/${uuid}`, {
      name: "Another name",
      content_type: "application/x-www-form-urlencoded",
    });
    expect((await getDelivery(uuid, delivery.uuid)).body.request?.body).toBe(received[1]?.body);
  });

  it("has no request and no attempts before the first", async () => {
    receiver();
    const { uuid } = await makeListener();
    await api("POST", `${notifications}/subscribers/${uuid}/pause`);
    await publish(makeEvent());
    const delivery = await deliveryAt(uuid, 1);
    expect((await getDelivery(uuid, delivery.uuid)).body).toEqual({
      ...delivery,
      carries: [],
      request: null,
      attempts: [],
    });
  });

  it("gives the first 2 KiB of a long answer", async () => {
    receiver(() => new Response("x".repeat(10_000), { status: 400 }));
    const { uuid } = await makeListener();
    await publish(makeEvent());
    await vi.waitFor(async () => expect((await deliveriesOf(uuid))[0]?.status).toBe("failed"));
    const { body } = await getDelivery(uuid, (await deliveryAt(uuid, 1)).uuid);
    expect(body.attempts[0]?.response_body).toBe("x".repeat(2048));
  });

  it("says nothing of the secret, the URL's path and the values of custom headers", async () => {
    const { received, uuid, delivery } = await failOnce({ headers: { Authorization: "Bearer hidden" } });
    expect(received[1]?.headers.get("Authorization")).toBe("Bearer hidden");
    const { text, body } = await getDelivery(uuid, delivery.uuid);
    expect(text).not.toMatch(/hidden|path-is-secret/);
    expect(text).not.toContain(spec.secret);
    expect(body.request?.headers["Authorization"]).toMatch(/^\*+$/);
  });

  it("takes both uuids in upper case", async () => {
    const { uuid, delivery } = await failOnce();
    expect((await getDelivery(uuid.toUpperCase(), delivery.uuid.toUpperCase())).body.uuid).toBe(
      delivery.uuid,
    );
  });
});

describe("a delivery that does not exist", () => {
  it.each([
    ["one that is yet to come", (uuid: string): string => deliveryUuid(uuid, 2)],
    ["another webhook's", (): string => deliveryUuid(unknown, 1)],
    ["the webhook's own uuid", (uuid: string): string => uuid],
    ["no uuid", (): string => "1"],
    [
      "a uuid with dashes where digits belong",
      (uuid: string): string => `${deliveryUuid(uuid, 1).slice(0, 24)}1-0000000001`,
    ],
  ])("is a 404, also when it is to be sent again or skipped: %s", async (_, of) => {
    receiver();
    const { uuid } = await makeListener();
    await publish(makeEvent());
    const path = `${notifications}/subscribers/${uuid}/deliveries/${of(uuid)}`;
    const answers = [
      await api("GET", path),
      await api("POST", `${path}/redeliver`),
      await api("POST", `${path}/skip`),
    ];
    for (const { status, body } of answers) {
      expect(status).toBe(404);
      expect(body).toEqual({ message: `Delivery ${of(uuid)} does not exist, or is no longer kept.` });
    }
  });

  it.each(["", "/redeliver", "/skip"])("is a 404 about an unknown webhook: %j", async (end) => {
    const path = `${notifications}/subscribers/${unknown}/deliveries/${deliveryUuid(unknown, 1)}${end}`;
    const { status, body } = await api(end === "" ? "GET" : "POST", path);
    expect(status).toBe(404);
    expect(body).toEqual({ message: `Subscriber ${unknown} does not exist.` });
  });
});
