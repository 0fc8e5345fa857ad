import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import { rejected } from "./queue";

const bodies = async () => (await rejected()).map(({ body }) => body);

it("a message is left in the queue", async () => {
  await expect(env.EVENTS.send("of the first test")).resolves.not.toThrow();
});

it("and is not read in the next test", async () => {
  await env.EVENTS.send("of the next test");
  await vi.waitFor(async () => expect(await bodies()).not.toEqual([]));
  expect(await bodies()).toEqual(["of the next test"]);
});
