/**
 * Limit D: a lane that has its rows already and, one after another, signs, fetches and updates one row each. And the lanes of
 * limits E, and of C and D at once, which take rows in meanwhile.
 */
import { DurableObject } from "cloudflare:workers";
import { sampleEvent } from "../sample-event";
import { openDelivery } from "./bare-delivery";

export class BareLane extends DurableObject {
  readonly #sql: SqlStorage;
  /** The last row that is sent or under way, by `take`. */
  #sentTo = 0;
  #isSending = false;
  /** What `takeAndKeep` has not sent yet. */
  readonly #kept: string[] = [];

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env as Cloudflare.Env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS deliveries (
         id INTEGER PRIMARY KEY, status INTEGER NOT NULL DEFAULT 0, answer INTEGER, event TEXT NOT NULL
       )`,
    );
    this.#sql.exec("CREATE TABLE IF NOT EXISTS attempts (id INTEGER PRIMARY KEY, answer INTEGER)");
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
    for (const { id } of waiting.toArray()) await this.#sendOne(id, send);
  }

  /** Limit E: takes events in, and sends them from memory behind the answer. */
  async takeAndKeep(events: readonly string[], to: string): Promise<void> {
    for (const event of events) {
      this.#sql.exec("INSERT INTO deliveries (event) VALUES (?)", event);
      this.#kept.push(event);
    }
    if (!this.#isSending) this.ctx.waitUntil(this.#sendKept(to));
  }

  /** Takes events in, and sends them behind the answer. */
  async take(events: readonly string[], to: string): Promise<void> {
    for (const event of events) this.#sql.exec("INSERT INTO deliveries (event) VALUES (?)", event);
    if (!this.#isSending) this.ctx.waitUntil(this.#sendTaken(to));
  }

  async #sendTaken(to: string): Promise<void> {
    this.#isSending = true;
    const send = await openDelivery(to);
    const next = "SELECT id FROM deliveries WHERE id > ? AND status = 0 ORDER BY id LIMIT 1";
    for (;;) {
      const [row] = this.#sql.exec<{ id: number }>(next, this.#sentTo).toArray();
      if (row === undefined) break;
      this.#sentTo = row.id;
      await this.#sendOne(row.id, send);
    }
    this.#isSending = false;
  }

  /** The record of an attempt is an INSERT. */
  async #sendKept(to: string): Promise<void> {
    this.#isSending = true;
    const send = await openDelivery(to);
    for (let event = this.#kept.shift(); event !== undefined; event = this.#kept.shift()) {
      this.#sentTo += 1;
      const status = await send(this.#sentTo, event);
      this.#sql.exec("INSERT INTO attempts (answer) VALUES (?)", status);
    }
    this.#isSending = false;
  }

  async #sendOne(id: number, send: (sequence: number, event: string) => Promise<number>): Promise<void> {
    const { event } = this.#sql
      .exec<{ event: string }>("SELECT event FROM deliveries WHERE id = ?", id)
      .one();
    const status = await send(id, event);
    this.#sql.exec("UPDATE deliveries SET status = 1, answer = ? WHERE id = ?", status, id);
  }
}
