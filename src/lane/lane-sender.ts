/** Sends messages with the lane's current configuration. One sender is created for each version of it. */
import { readConfig } from "../platform/config";
import { decryptSettings, maskedValue } from "../platform/encryption";
import type { LaneConfig } from "./handover";
import type { LaneStorage } from "./lane-storage";
import { readStoredWebhook } from "./lane-state";
import { withTimeout } from "../platform/timeouts";
import { maskOptions } from "../send/message/format-options";
import { outlineOf } from "../send/message/recognise-service";
import { GatewayFailure } from "../send/gateway-failure";
import { createSender, type Message, type Sender, type SentAttempt } from "../send/sender";

/** The sender of one lane. */
export class LaneSender {
  readonly #env: Env;
  readonly #storage: () => LaneStorage | null;
  readonly #made: () => void;
  readonly #beforeRequest: () => Promise<void>;
  #current: { version: number; sender: Promise<Sender> } | undefined;

  /**
   * @param lane.storage null once the webhook was deleted. @param lane.made is called when a sender was created: the
   *   webhook's service, and so its rate limit, is then known. @param lane.beforeRequest is awaited before each request.
   */
  constructor(
    env: Env,
    lane: { storage: () => LaneStorage | null; made: () => void; beforeRequest: () => Promise<void> },
  ) {
    this.#env = env;
    this.#storage = lane.storage;
    this.#made = lane.made;
    this.#beforeRequest = lane.beforeRequest;
  }

  /**
   * @throws for failures of the gateway before anything was sent (no configuration, or secrets that no key decrypts),
   *   and `GatewayFailure` when the gateway could not make the attempt.
   */
  async send(message: Message): Promise<SentAttempt> {
    const config = await this.#config();
    if (this.#current?.version !== config.version) {
      const made = this.#make(config);
      this.#current = { version: config.version, sender: made };
      // A failure is not cached: the next attempt creates another sender.
      made.catch(() => (this.#current = undefined));
    }
    const sender = await this.#current.sender;
    return { ...(await sender.send(message)), configVersion: config.version };
  }

  /** @returns the lane's configuration. Reads it from D1 if a hand-over had a later version. */
  async #config(): Promise<LaneConfig> {
    const storage = this.#storage();
    const config = storage?.record.config;
    if (!storage || !config) throw new Error("The lane has no configuration.");
    if (storage.record.wantedVersion === null) return config;
    try {
      const stored = await withTimeout(readStoredWebhook(this.#env.DB, config.webhook.uuid));
      if (stored !== null) this.#storage()?.adoptStored(stored.config);
    } catch (cause) {
      throw new GatewayFailure(
        "behind",
        "The webhook was changed, and its settings cannot be read from D1.",
        {
          cause,
        },
      );
    }
    return this.#storage()?.record.config ?? config;
  }

  async #make({ version, webhook, sealed, timeoutS, format, egress }: LaneConfig): Promise<Sender> {
    const rules = readConfig(this.#env);
    const settings = await decryptSettings(rules.encryptionKeys, webhook.uuid, sealed);
    const sender = await createSender({
      env: this.#env,
      webhook,
      settings,
      format,
      timeoutS,
      egress,
      rules,
      beforeRequest: this.#beforeRequest,
    });
    this.#storage()?.requestShapes.keep(version, {
      webhook,
      format: sender.format,
      url: outlineOf(settings.url),
      options: maskOptions(sender.format, settings.formatOptions ?? {}, maskedValue),
      orchestUrl: rules.orchestUrl,
      headerNames: Object.keys(settings.headers ?? {}),
    });
    this.#made();
    return sender;
  }
}
