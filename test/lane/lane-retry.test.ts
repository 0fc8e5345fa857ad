import { beforeEach, describe, expect, it, vi } from "vitest";
import { stopClock } from "../clock";
import { makeEvent, makeListener, publish } from "../event";
import { alarmOf, runAlarm } from "../lane";
import { receiver, type Received } from "../receiver";

beforeEach(stopClock);

/** A webhook whose only delivery has failed once. */
async function failOnce(): Promise<{ uuid: string; received: Received[]; alarm: number | null }> {
  const { received, logged } = receiver(() => new Response(null, { status: 503 }));
  const { uuid } = await makeListener();
  const publishedAt = Date.now();
  await publish(makeEvent());
  await vi.waitFor(() => expect(logged()).toContain('"attempt"'));
  // The alarm of the drain gives way to that of the retry.
  await vi.waitFor(async () => expect(await alarmOf(uuid)).toBeLessThan(publishedAt + 5000));
  return { uuid, received, alarm: await alarmOf(uuid) };
}

describe("a failed delivery", () => {
  it.each([
    ["the shortest", 0, 0.8],
    ["the middle", 0.5, 1],
    ["the longest", 1, 1.2],
  ])(
    "waits min(2^n, 3600) s after its n-th attempt, %s of ±20 %%, and an hour at most",
    async (_, random, factor) => {
      vi.spyOn(Math, "random").mockReturnValue(random);
      const { uuid, received, alarm } = await failOnce();
      expect(((alarm ?? 0) - Date.UTC(2040, 0, 1)) / 1000).toBeCloseTo(2 * factor, 0);
      for (let attempts = 2; attempts <= 14; attempts++) {
        await runAlarm(uuid);
        expect(received).toHaveLength(attempts);
        const delay = ((await alarmOf(uuid)) ?? 0) - Date.now();
        const curveS = Math.min(2 ** attempts, 3600) * factor;
        expect(delay, `after attempt ${attempts}`).toBe(Math.min(curveS, 3600) * 1000);
      }
    },
  );

  it("is not tried before its time, and exactly then", async () => {
    const { uuid, received, alarm } = await failOnce();
    const due = alarm ?? 0;
    await runAlarm(uuid, due - Date.now() - 1);
    expect(received).toHaveLength(1);
    expect(await alarmOf(uuid)).toBe(due);
    await runAlarm(uuid, 1);
    expect(received).toHaveLength(2);
  });

  it("does not lose its place in time when more is published", async () => {
    const { uuid, received, alarm } = await failOnce();
    await publish(makeEvent());
    expect(await alarmOf(uuid)).toBe(alarm);
    expect(received).toHaveLength(1);
  });
});
