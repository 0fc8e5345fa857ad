/** A running gateway for a file of tests that neither stops nor configures it. */
import { expect } from "vitest";
import { call, webhookPath } from "./client.ts";
import type { GatewayAddress } from "./gateway.ts";
import { borrowFromPool, giveBackToPool, type Lent } from "./pool-client.ts";
import { residentBytes } from "./process-group.ts";

/** Nobody else uses it until it is given back. It has no webhooks; events and tokens of earlier files may be there. */
export class BorrowedGateway implements GatewayAddress {
  readonly url: string;
  readonly token: string;
  readonly port: number;
  readonly #groups: readonly number[];

  private constructor({ url, token, port, groups }: Lent) {
    this.url = url;
    this.token = token;
    this.port = port;
    this.#groups = groups;
  }

  /** Waits for its start where none is free. Whoever borrows one gives it back. */
  static async borrow(): Promise<BorrowedGateway> {
    return new BorrowedGateway(await borrowFromPool());
  }

  /** Memory that all its processes hold, in bytes. Linux only. */
  residentBytes(): number {
    return residentBytes(this.#groups);
  }

  /** Removes its webhooks, so that the next one gets nothing of this one's events. */
  async giveBack(): Promise<void> {
    const { json: found } = await call(this, "GET", "/api/notifications/subscribers");
    const { subscribers } = found as { subscribers: { uuid: string }[] };
    for (const webhook of subscribers)
      expect(await call(this, "DELETE", webhookPath(webhook))).toMatchObject({ status: 201 });
    await giveBackToPool(this.port);
  }
}
