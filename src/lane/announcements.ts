/** The gateway's own events about a webhook: stored with the change of state, and published by the alarm. */
/** The prefix of the gateway's own event types. */
export const gatewayTypePrefix = "webhook:";

/** The gateway's own event types, about its webhooks. Clients cannot publish them. */
export const gatewayEventTypes = ["webhook:disabled", "webhook:delivery-dead", "webhook:recovered"] as const;

/** One of the gateway's own event types. */
export type AnnouncementType = (typeof gatewayEventTypes)[number];

/** An event of the gateway that is to be published. `body`: its JSON text. */
export type Announcement = { id: number; uuid: string; type: AnnouncementType; body: string };

/** The stored announcements of a lane, in order. */
export class Announcements {
  readonly #sql: SqlStorage;
  #waiting: boolean;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS announcements (
      id INTEGER PRIMARY KEY, uuid TEXT NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL
    )`);
    this.#waiting = this.first() !== null;
  }

  /** Whether any announcement has not been published. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /**
   * Stores an event with a uuid, so that publishing it may be repeated.
   * @param now in ms. @param details its members beside uuid, type and timestamp.
   */
  add(type: AnnouncementType, now: number, details: Record<string, unknown>): void {
    const uuid = crypto.randomUUID();
    const body = JSON.stringify({ uuid, type, timestamp: new Date(now).toISOString(), ...details });
    this.#sql.exec("INSERT INTO announcements (uuid, type, body) VALUES (?, ?, ?)", uuid, type, body);
    this.#waiting = true;
  }

  /** @returns the oldest one that has not been published, or null. */
  first(): Announcement | null {
    const [row] = this.#sql.exec<Announcement>("SELECT * FROM announcements ORDER BY id LIMIT 1").toArray();
    return row ?? null;
  }

  /** Removes a published announcement. */
  published(id: number): void {
    this.#sql.exec("DELETE FROM announcements WHERE id = ?", id);
    this.#waiting = this.first() !== null;
  }
}
