/** A running gateway for a file of tests that neither stops nor configures it. */
import { request } from "node:http";
import { json, text } from "node:stream/consumers";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { expect, inject } from "vitest";
import { call, webhookPath } from "./client.ts";
import type { GatewayAddress } from "./gateway.ts";

type Lent = GatewayAddress & { port: number };

/** Nobody else uses it until it is given back. It has no webhooks; events and tokens of earlier files may be there. */
export class BorrowedGateway implements GatewayAddress {
  readonly url: string;
  readonly token: string;
  readonly #port: number;

  private constructor({ url, token, port }: Lent) {
    this.url = url;
    this.token = token;
    this.#port = port;
  }

  /** Waits for its start where none is free. Whoever borrows one gives it back. */
  static async borrow(): Promise<BorrowedGateway> {
    return new BorrowedGateway((await json(await askPool("POST", "/"))) as Lent);
  }

  /** Removes its webhooks, so that the next one hears nothing of this one's events. */
  async giveBack(): Promise<void> {
    const { json: found } = await call(this, "GET", "/api/notifications/subscribers");
    const { subscribers } = found as { subscribers: { uuid: string }[] };
    for (const webhook of subscribers)
      expect(await call(this, "DELETE", webhookPath(webhook))).toMatchObject({ status: 201 });
    await askPool("DELETE", `/${this.#port}`);
  }
}

/** @throws {Error} with what went wrong in the pool. `fetch` would not wait as long as a start may take. */
async function askPool(method: string, path: string): Promise<IncomingMessage> {
  const asked = request(inject("gatewayPool") + path, { method });
  asked.end();
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  if ((answer.statusCode ?? 0) >= 300) throw new Error(`No gateway: ${await text(answer)}`);
  return answer;
}
