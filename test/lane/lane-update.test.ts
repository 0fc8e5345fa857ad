import { env } from "cloudflare:workers";
import { evictDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { api, notifications, spec } from "../api";
import { stopClock } from "../clock";
import { makeEvent, makeListener, publish } from "../event";
import { configOf, handoverEvent, laneOf, runAlarm } from "../lane";
import { receiver, type Received } from "../receiver";
import { hmacHex } from "../sign";

const newUrl = "https://new.example.com/hook";
let received: Received[];
let uuid: string;

/** Each test begins with a delivery that has failed once and waits. */
beforeEach(async () => {
  stopClock();
  ({ received } = receiver((_, index) => new Response(null, { status: index === 0 ? 500 : 200 })));
  ({ uuid } = await makeListener());
  await publish(makeEvent());
  await vi.waitFor(() => expect(received).toHaveLength(1));
});

async function put(changes: Record<string, unknown>): Promise<void> {
  const { status } = await api("PUT", `${notifications}/subscribers/webhooks/${uuid}`, changes);
  expect(status).toBe(200);
}

describe("a change of a webhook holds from the next attempt on:", () => {
  it("the URL", async () => {
    await put({ url: newUrl });
    await runAlarm(uuid);
    expect(received.map(({ url }) => url)).toEqual([spec.url, newUrl]);
  });

  it("the secret", async () => {
    await put({ secret: "another" });
    await runAlarm(uuid);
    const { headers, body } = received[1] ?? { headers: new Headers(), body: "" };
    expect(headers.get("X-Hub-Signature")).toBe(await hmacHex("another", body));
  });

  it("the name and the content type", async () => {
    await put({ name: "New", content_type: "application/x-www-form-urlencoded" });
    await runAlarm(uuid);
    expect(received[1]?.headers.get("Content-Type")).toBe("application/x-www-form-urlencoded");
    expect(new URLSearchParams(received[1]?.body).get("delivered_for")).toContain('"name":"New"');
  });

  it("and the delivery stays the same", async () => {
    await put({ url: newUrl });
    await runAlarm(uuid);
    const deliveries = received.map(({ headers }) => headers.get("X-Orchest-Delivery"));
    expect(deliveries[1]).toBe(deliveries[0]);
    expect(received[1]?.headers.get("X-Orchest-Attempt")).toBe("2");
  });

  it("also after an eviction", async () => {
    await put({ url: newUrl });
    await evictDurableObject(laneOf(uuid));
    await runAlarm(uuid);
    expect(received[1]?.url).toBe(newUrl);
  });

  it("also when the lane was never told: it reads its row when its alarm runs", async () => {
    await env.DB.prepare("UPDATE webhooks SET name = 'New', version = version + 1 WHERE uuid = ?")
      .bind(uuid)
      .run();
    await runAlarm(uuid);
    expect(received[1]?.body).toContain('"name":"New"');
  });
});

describe("an older configuration does not come back", () => {
  it("with a dispatch that was slow", async () => {
    const old = await configOf(uuid);
    await put({ url: newUrl });
    const answer = await laneOf(uuid).accept({ config: old, events: [handoverEvent(makeEvent())] });
    expect(answer).toEqual({ outcome: "accepted", fresh: [true] });
    await runAlarm(uuid);
    expect(received.map(({ url }) => url)).toEqual([spec.url, newUrl, newUrl]);
  });

  it("with a change that was slow", async () => {
    const old = await configOf(uuid);
    await put({ url: newUrl });
    await laneOf(uuid).configure(old);
    await runAlarm(uuid);
    expect(received[1]?.url).toBe(newUrl);
  });
});

/** A change in D1 that the lane was not told of. */
function changeName(): Promise<unknown> {
  return env.DB.prepare("UPDATE webhooks SET name = 'Newest', version = version + 5 WHERE uuid = ?")
    .bind(uuid)
    .run();
}

describe("a newer version that a dispatch speaks of", () => {
  it("is read from D1 before anything is sent", async () => {
    await changeName();
    await laneOf(uuid).accept({ config: await configOf(uuid), events: [handoverEvent(makeEvent())] });
    await runAlarm(uuid);
    expect(received[1]?.body).toContain('"name":"Newest"');
  });

  it("is waited for while D1 cannot be read: what comes meanwhile is accepted", async () => {
    await changeName();
    const config = await configOf(uuid);
    const broken = vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new Error("D1 is gone");
    });
    const answer = await laneOf(uuid).accept({ config, events: [handoverEvent(makeEvent())] });
    expect(answer).toEqual({ outcome: "accepted", fresh: [true] });
    await runAlarm(uuid);
    expect(received).toHaveLength(1);
    broken.mockRestore();
    await runAlarm(uuid);
    expect(received[1]?.body).toContain('"name":"Newest"');
    // What was tried meanwhile counts as no attempt.
    expect(received[1]?.headers.get("X-Orchest-Attempt")).toBe("2");
  });
});
