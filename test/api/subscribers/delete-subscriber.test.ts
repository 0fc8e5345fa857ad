import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { finishDeletions } from "../../../src/webhooks/delete-webhook";
import { type Answer, api, makeWebhook, notifications } from "../../api";
import { archiveOnly, makeEvent } from "../../event";
import { rowCounts } from "../../row-counts";

const unknown = "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";
const subscribed = { subscriptions: [{ event_type: "project:created" }] };

function remove(uuid: string): Promise<Answer<{ message: string }>> {
  return api("DELETE", `${notifications}/subscribers/${uuid}`);
}

function lanesThat(close: () => Promise<void>): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a stub has dozens of methods, the test calls one
  vi.spyOn(env.LANES, "getByName").mockReturnValue({ close } as unknown as ReturnType<
    typeof env.LANES.getByName
  >);
}

async function age(ms: number): Promise<void> {
  await env.DB.prepare("update webhooks set deleted_at = ?")
    .bind(Date.now() - ms)
    .run();
}

describe("DELETE /subscribers/{uuid}", () => {
  it("answers 201 and removes the webhook with its subscriptions", async () => {
    const { uuid } = await makeWebhook(subscribed);
    const { status, body } = await remove(uuid);
    expect(status).toBe(201);
    expect(body).toEqual({ message: "" });
    expect(await rowCounts()).toEqual({ webhooks: 0, subscriptions: 0 });
  });

  it("removes the pending hand-overs to it, and no others", async () => {
    const [doomed, other] = [await makeWebhook(), await makeWebhook()];
    await archiveOnly(makeEvent());
    await env.DB.prepare("insert into handovers (webhook_id, event_id) select id, 1 from webhooks").run();
    await remove(doomed.uuid);
    const { results } = await env.DB.prepare(
      "select w.uuid from handovers h join webhooks w on w.id = h.webhook_id",
    ).all();
    expect(results).toEqual([{ uuid: other.uuid }]);
  });

  it("leaves other webhooks alone", async () => {
    const [doomed] = [await makeWebhook(subscribed), await makeWebhook(subscribed)];
    await remove(doomed.uuid);
    expect(await rowCounts()).toEqual({ webhooks: 1, subscriptions: 1 });
  });

  it.each([unknown, "no-uuid"])("answers 201 also when it does not exist: %s", async (uuid) => {
    const { status, body } = await remove(uuid);
    expect(status).toBe(201);
    expect(body).toEqual({ message: "" });
  });

  it("takes the uuid in upper case", async () => {
    const { uuid } = await makeWebhook();
    await remove(uuid.toUpperCase());
    expect((await rowCounts()).webhooks).toBe(0);
  });

  it("closes the lane before the row goes", async () => {
    const { uuid } = await makeWebhook();
    const rowsAtClose: number[] = [];
    lanesThat(async () => void rowsAtClose.push((await rowCounts()).webhooks));
    await remove(uuid);
    expect(rowsAtClose).toEqual([1]);
  });

  it("is as good as done when the lane cannot be closed: the webhook is gone for everyone", async () => {
    vi.spyOn(console, "warn").mockReturnValue();
    const { uuid } = await makeWebhook(subscribed);
    lanesThat(() => Promise.reject(new Error("lane is down")));
    expect((await remove(uuid)).status).toBe(201);
    expect((await api("GET", `${notifications}/subscribers/${uuid}`)).status).toBe(404);
    expect(await rowCounts()).toEqual({ webhooks: 1, subscriptions: 1 });
  });

  it("that stopped half-way is finished by a second one", async () => {
    const { uuid } = await makeWebhook(subscribed);
    await age(1000);
    expect((await remove(uuid)).status).toBe(201);
    expect((await rowCounts()).webhooks).toBe(0);
  });
});

describe("finishing deletions", () => {
  it("removes what stopped half-way more than a minute ago", async () => {
    await makeWebhook(subscribed);
    await age(61_000);
    await finishDeletions(env);
    expect(await rowCounts()).toEqual({ webhooks: 0, subscriptions: 0 });
  });

  it("leaves a deletion that may still be under way", async () => {
    await makeWebhook();
    await age(50_000);
    await finishDeletions(env);
    expect((await rowCounts()).webhooks).toBe(1);
  });

  it("leaves webhooks that nobody deletes", async () => {
    await makeWebhook();
    await finishDeletions(env);
    expect((await rowCounts()).webhooks).toBe(1);
  });

  it("goes on beside one whose lane hangs, which it keeps for the next time", async () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    await makeWebhook();
    await makeWebhook();
    await age(61_000);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let calls = 0;
    lanesThat(() => (calls++ === 0 ? new Promise(() => undefined) : Promise.resolve()));
    const finished = finishDeletions(env);
    await vi.waitFor(() => expect(calls).toBe(2));
    await vi.advanceTimersByTimeAsync(5000);
    await finished;
    vi.useRealTimers();
    expect((await rowCounts()).webhooks).toBe(1);
    expect(warn).toHaveBeenCalledOnce();
  });

  it("goes on after one that fails, which it keeps for the next time", async () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    await makeWebhook();
    await makeWebhook();
    await age(61_000);
    let calls = 0;
    lanesThat(async () => {
      if (calls++ === 0) throw new Error("lane is down");
    });
    await finishDeletions(env);
    expect((await rowCounts()).webhooks).toBe(1);
    expect(warn).toHaveBeenCalledOnce();
  });
});
