/** What the gateway itself has to tell of a webhook: written with the change of state, published by the alarm. */
/** What the gateway's own event types begin with. */
export const gatewayTypePrefix = "webhook:";

/** The gateway's own event types: events about its webhooks. Nobody else may publish them. */
export const gatewayEventTypes = ["webhook:disabled", "webhook:delivery-dead", "webhook:recovered"] as const;

export type AnnouncementType = (typeof gatewayEventTypes)[number];

/** An event of the gateway's own, on its way to `dispatch`. */
export type Announcement = { id: number; uuid: string; type: AnnouncementType; body: string };

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

  /** Whether any has not been published. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /**
   * Writes an event down, under a uuid that stays the same however often it is published.
   * @param details what it tells beside the type and the time.
   */
  add(type: AnnouncementType, now: number, details: Record<string, unknown>): void {
    const uuid = crypto.randomUUID();
    const body = JSON.stringify({ uuid, type, timestamp: new Date(now).toISOString(), ...details });
    this.#sql.exec("INSERT INTO announcements (uuid, type, body) VALUES (?, ?, ?)", uuid, type, body);
    this.#waiting = true;
  }

  /** The oldest that has not been published. */
  first(): Announcement | null {
    const [row] = this.#sql.exec<Announcement>("SELECT * FROM announcements ORDER BY id LIMIT 1").toArray();
    return row ?? null;
  }

  published(id: number): void {
    this.#sql.exec("DELETE FROM announcements WHERE id = ?", id);
    this.#waiting = this.first() !== null;
  }
}
