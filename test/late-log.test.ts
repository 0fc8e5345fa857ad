import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { afterAll, expect, it } from "vitest";
import { log } from "../src/platform/log";

const lines = 400;
let logged = 0;

// Not awaited: it goes on while the file ends, until it is done or the next file's tests remove the object.
afterAll(() => {
  runInDurableObject(env.LANES.get(env.LANES.idFromName("late")), async () => {
    for (; logged < lines; logged += 1) {
      log("warn", "late");
      await scheduler.wait(1);
    }
  }).catch((error: unknown) => {
    if (!String(error).includes("deleteAllDurableObjects")) throw error;
  });
});

it("what an object logs after the last test of a file does not keep the file from its end", () => {
  expect(logged).toBe(0);
});
