/** Limit C: an object per webhook that durably inserts one row per event and does nothing else. */
import { DurableObject } from "cloudflare:workers";

export type InboxEnv = { DB: D1Database; INBOXES: DurableObjectNamespace<BareInbox> };

export class BareInbox extends DurableObject<InboxEnv> {
  constructor(ctx: DurableObjectState, env: InboxEnv) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, body TEXT NOT NULL)");
  }

  /** On return they are on disk. */
  async insert(events: string[]): Promise<void> {
    for (const event of events) this.ctx.storage.sql.exec("INSERT INTO events (body) VALUES (?)", event);
  }
}
