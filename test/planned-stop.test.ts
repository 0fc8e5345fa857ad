import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { isStopping } from "../src/lane/planned-stop";
import { obeyStop } from "../src/planned-stop";
import { captureLog } from "./receiver";

async function orderOf(token: string): Promise<string> {
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(token), algorithm, false, ["sign"]);
  const code = new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode("stop")));
  return `stop ${code.toHex()}`;
}

it("an order to stop is obeyed when it comes from who knows an API token", async () => {
  captureLog();
  expect(await obeyStop(env, await orderOf("second-token-of-the-suite"))).toBe(true);
  expect(isStopping()).toBe(true);
});

it("any other order is refused, and schedules are no orders", async () => {
  captureLog();
  const other = await orderOf("another-token-of-nobody");
  for (const order of ["stop", "stop ", "stop 00", "stop zz", other, `${other}00`]) {
    expect(await obeyStop(env, order)).toBe(true);
  }
  expect(await obeyStop(env, "* * * * *")).toBe(false);
  expect(isStopping()).toBe(false);
});
