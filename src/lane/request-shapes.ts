/**
 * The request shapes of each version of a webhook. The log rebuilds requests with them, and the service's default rate
 * limit depends on them.
 */
import type { ServiceFormat } from "../send/message/formats";
import { defaultRateLimitOf } from "../send/message/service-rate-limits";
import type { LaneConfig } from "./handover";

/** The parts of a webhook's configuration that determine its requests, without secrets. */
export type RequestShape = {
  webhook: LaneConfig["webhook"];
  format: ServiceFormat;
  /** The `outlineOf` of the URL. */
  url: string;
  /** `format_options`, with secret ones masked. */
  options: Record<string, string>;
  orchestUrl: string | null;
  /** The names of the custom headers. */
  headerNames: string[];
};

/** URLs for which the format `orchest` adds the same text field as earlier versions did for these services. */
const chatUrls = {
  slack: "https://hooks.slack.com/services/…",
  discord: "https://discord.com/api/webhooks/…",
  teams: "https://webhook.office.com/…",
};

/** The request shapes of one lane. */
export class RequestShapes {
  readonly #sql: SqlStorage;
  /** The service's default rate limit for a version of the configuration. */
  #rate: { version: number; perS: number | null } | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec("CREATE TABLE IF NOT EXISTS sent_as (version INTEGER PRIMARY KEY, sent_as TEXT NOT NULL)");
  }

  /**
   * @returns how many attempts may start per second: the webhook's setting, or else its service's default; null: no
   *   limit.
   */
  ratePerS(config: LaneConfig | null): number | null {
    return config?.rateLimitPerS ?? (this.isRateKnown(config) ? (this.#rate?.perS ?? null) : null);
  }

  /** Whether `ratePerS` is final. Only a sender knows the service, because it decrypts the URL. */
  isRateKnown(config: LaneConfig | null): boolean {
    if (config === null || config.rateLimitPerS !== null || this.#rate?.version === config.version)
      return true;
    const shape = this.of(config.version);
    if (shape !== null) this.#rate = { version: config.version, perS: defaultRateLimitOf(shape.format) };
    // A changed webhook keeps its previous rate limit until its next attempt.
    return this.#rate !== undefined;
  }

  /** Stores the request shape of a version, so that the log can rebuild its requests. */
  keep(version: number, shape: RequestShape): void {
    this.#rate = { version, perS: defaultRateLimitOf(shape.format) };
    this.#sql.exec(
      `INSERT INTO sent_as VALUES (?, ?) ON CONFLICT (version) DO UPDATE SET sent_as = excluded.sent_as
       WHERE sent_as IS NOT excluded.sent_as`,
      version,
      JSON.stringify(shape),
    );
  }

  /** @returns the request shape of a version; null when nothing was sent with it. */
  of(version: number): RequestShape | null {
    const [row] = this.#sql
      .exec<{ sent_as: string }>("SELECT sent_as FROM sent_as WHERE version = ?", version)
      .toArray();
    if (row === undefined) return null;
    // Earlier versions of the gateway stored the chat service for the text field, and before that no header names.
    const { chat = null, ...kept } = JSON.parse(row.sent_as) as Partial<RequestShape> &
      Pick<RequestShape, "webhook"> & { chat?: keyof typeof chatUrls | null };
    const earlier = { format: "orchest", url: chat === null ? "" : chatUrls[chat] } as const;
    return { ...earlier, options: {}, orchestUrl: null, headerNames: [], ...kept };
  }
}
