/** Limit D: a lane that has its rows already and, one after another, signs, fetches and updates one row each. */
import { DurableObject } from "cloudflare:workers";
import { sampleEvent } from "../sample-event";
import { openDelivery } from "./bare-delivery";

export class BareLane extends DurableObject {
  readonly #sql: SqlStorage;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env as Cloudflare.Env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS deliveries (
         id INTEGER PRIMARY KEY, status INTEGER NOT NULL DEFAULT 0, answer INTEGER, event TEXT NOT NULL
       )`,
    );
  }

  /** Takes in so many events. */
  async fill(rows: number): Promise<void> {
    for (let row = 0; row < rows; row += 1) {
      const event = sampleEvent({ project: 0, sentAtMs: Date.now() });
      this.#sql.exec("INSERT INTO deliveries (event) VALUES (?)", event);
    }
  }

  /** Sends all that waits. */
  async drain(to: string): Promise<void> {
    const send = await openDelivery(to);
    const waiting = this.#sql.exec<{ id: number }>("SELECT id FROM deliveries WHERE status = 0 ORDER BY id");
    for (const { id } of waiting.toArray()) {
      const load = "SELECT event FROM deliveries WHERE id = ?";
      const { event } = this.#sql.exec<{ event: string }>(load, id).one();
      const status = await send(id, event);
      this.#sql.exec("UPDATE deliveries SET status = 1, answer = ? WHERE id = ?", status, id);
    }
  }
}
