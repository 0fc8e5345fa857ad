/** How each version of a webhook was sent: the log shows its requests by that, and its service's pace follows from it. */
import type { ServiceFormat } from "../send/message/formats";
import { defaultRateLimitOf } from "../send/message/service-rate-limits";
import type { LaneConfig } from "./handover";

/** What of a webhook's configuration shapes its requests, as the log shows them; no secrets. */
export type RequestShape = {
  webhook: LaneConfig["webhook"];
  format: ServiceFormat;
  /** The URL's `outlineOf`. */
  url: string;
  /** `format_options`, those masked that are secret. */
  options: Record<string, string>;
  orchestUrl: string | null;
  /** Of the custom headers. */
  headerNames: string[];
};

/** URLs for which `orchest` writes the text that earlier versions wrote for these services. */
const chatUrls = {
  slack: "https://hooks.slack.com/services/…",
  discord: "https://discord.com/api/webhooks/…",
  teams: "https://webhook.office.com/…",
};

export class RequestShapes {
  readonly #sql: SqlStorage;
  /** The service's pace under a version of the configuration. */
  #pace: { version: number; perS: number | null } | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec("CREATE TABLE IF NOT EXISTS sent_as (version INTEGER PRIMARY KEY, sent_as TEXT NOT NULL)");
  }

  /** How many attempts may begin per second: what was set, or else the pace of the webhook's service; null: no limit. */
  ratePerS(config: LaneConfig | null): number | null {
    return config?.rateLimitPerS ?? (this.isPaceKnown(config) ? (this.#pace?.perS ?? null) : null);
  }

  /** Whether `ratePerS` is what it will be: which service it is, only a sender knows, who has the URL. */
  isPaceKnown(config: LaneConfig | null): boolean {
    if (config === null || config.rateLimitPerS !== null || this.#pace?.version === config.version)
      return true;
    const shape = this.of(config.version);
    if (shape !== null) this.#pace = { version: config.version, perS: defaultRateLimitOf(shape.format) };
    // A webhook that was changed keeps the pace that it had, until its next attempt.
    return this.#pace !== undefined;
  }

  /** Remembers how a version of the webhook was sent, so that the log can show its requests. */
  keep(version: number, shape: RequestShape): void {
    this.#pace = { version, perS: defaultRateLimitOf(shape.format) };
    this.#sql.exec(
      `INSERT INTO sent_as VALUES (?, ?) ON CONFLICT (version) DO UPDATE SET sent_as = excluded.sent_as
       WHERE sent_as IS NOT excluded.sent_as`,
      version,
      JSON.stringify(shape),
    );
  }

  /** How a version of the webhook was sent, or null when nothing ever was. */
  of(version: number): RequestShape | null {
    const [row] = this.#sql
      .exec<{ sent_as: string }>("SELECT sent_as FROM sent_as WHERE version = ?", version)
      .toArray();
    if (row === undefined) return null;
    // Earlier versions of the gateway kept the chat service that they wrote a text for, and before that no header names.
    const { chat = null, ...kept } = JSON.parse(row.sent_as) as Partial<RequestShape> &
      Pick<RequestShape, "webhook"> & { chat?: keyof typeof chatUrls | null };
    const earlier = { format: "orchest", url: chat === null ? "" : chatUrls[chat] } as const;
    return { ...earlier, options: {}, orchestUrl: null, headerNames: [], ...kept };
  }
}
