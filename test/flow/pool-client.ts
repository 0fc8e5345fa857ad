/** What the gateway pool is asked, from within a test. */
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { json, text } from "node:stream/consumers";
import { inject } from "vitest";
import type { GatewayAddress } from "./gateway.ts";

/** A gateway that is lent. `groups`: of all its processes. */
export type Lent = GatewayAddress & { readonly port: number; readonly groups: number[] };

/** Waits for the start of one where none is free. */
export async function borrowFromPool(): Promise<Lent> {
  return (await json(await ask("POST", "/"))) as Lent;
}

export async function giveBackToPool(port: number): Promise<void> {
  await ask("DELETE", `/${port}`);
}

/** @returns a state directory to copy: of a gateway that was never used, with all tables. */
export async function freshState(): Promise<string> {
  return text(await ask("GET", "/state"));
}

/** @throws {Error} with what went wrong in the pool. `fetch` would not wait as long as a start may take. */
async function ask(method: string, path: string): Promise<IncomingMessage> {
  const asked = request(inject("gatewayPool") + path, { method });
  asked.end();
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  if ((answer.statusCode ?? 0) >= 300) throw new Error(`No gateway: ${await text(answer)}`);
  return answer;
}
