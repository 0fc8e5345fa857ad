import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { RoutingChanges } from "../../../src/events/shard/routing-changes";
import { passTime, stopClock } from "../../clock";
import { captureLog } from "../../receiver";
import { archive, event, inShard, list, restart, route, runAlarm, shard } from "./event-shard";

const minuteMs = 60_000;

beforeEach(stopClock);
beforeEach(() => route());

/** In how many ms the shard's alarm goes off, or null. */
function alarmIn(): Promise<number | null> {
  return inShard(async (_, storage) => {
    const at = await storage.getAlarm();
    return at === null ? null : at - Date.now();
  });
}

describe("a shard's maintenance", () => {
  it("comes every 15 minutes once something was published, and costs no more before that", async () => {
    await list({ limit: 1, before: 0 });
    expect(await alarmIn()).toBeNull();
    await archive(event());
    expect(await alarmIn()).toBe(15 * minuteMs);
    passTime(minuteMs);
    await restart();
    await archive(event());
    expect(await alarmIn()).toBe(14 * minuteMs);
    await runAlarm();
    expect(await alarmIn()).toBe(15 * minuteMs);
  });

  it("comes when routing wants it, if that is sooner, and not before now", async () => {
    const wanted = vi.spyOn(RoutingChanges.prototype, "maintenanceAt", "get");
    vi.spyOn(RoutingChanges.prototype, "announce").mockImplementation(() => undefined);
    for (const [at, expected] of [
      [minuteMs, minuteMs],
      [20 * minuteMs, minuteMs],
      [-minuteMs, 1],
    ] as const) {
      wanted.mockReturnValue(Date.now() + at);
      await shard().announce(crypto.randomUUID());
      expect(await alarmIn()).toBe(expected);
    }
  });

  it("comes again whatever fails in it, which is in the log", async () => {
    const { logged } = captureLog();
    await archive(event());
    const key = env.ENCRYPTION_KEY;
    Object.assign(env, { ENCRYPTION_KEY: "no key" });
    await runAlarm();
    Object.assign(env, { ENCRYPTION_KEY: key });
    expect(logged()).toContain("a shard's maintenance failed");
    expect(await alarmIn()).toBe(15 * minuteMs);
  });

  it("comes again where an alarm was lost", async () => {
    await archive(event());
    await inShard((_, storage) => storage.setAlarm(Date.now() + 1000));
    passTime(2 * minuteMs);
    await restart();
    await archive(event());
    expect(await alarmIn()).toBe(15 * minuteMs);
  });
});
