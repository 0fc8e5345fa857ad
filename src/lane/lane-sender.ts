/** Sending under the configuration that the lane has now: a sender is made once for each version of it. */
import { readConfig } from "../platform/config";
import { decryptSettings } from "../platform/encryption";
import type { LaneConfig } from "./handover";
import type { LaneStorage } from "./lane-storage";
import { chatServiceOf } from "../send/payload";
import { createSender, type Message, type Sender, type SentAttempt } from "../send/sender";

export class LaneSender {
  readonly #env: Env;
  readonly #storage: () => LaneStorage | null;
  #current: { version: number; sender: Promise<Sender> } | undefined;

  /** @param storage null once the webhook was deleted. */
  constructor(env: Env, storage: () => LaneStorage | null) {
    this.#env = env;
    this.#storage = storage;
  }

  /**
   * @throws for failures of ours, before anything was sent (no configuration, or secrets that no key decrypts), and
   *   `OwnFailure` when nothing can be said of the receiver.
   */
  async send(message: Message): Promise<SentAttempt> {
    const config = this.#storage()?.record.config;
    if (!config) throw new Error("The lane has no configuration.");
    if (this.#current?.version !== config.version) {
      const made = this.#make(config);
      this.#current = { version: config.version, sender: made };
      // A failure is not kept: the next attempt tries anew.
      made.catch(() => (this.#current = undefined));
    }
    const sender = await this.#current.sender;
    return { ...(await sender.send(message)), configVersion: config.version };
  }

  async #make({ version, webhook, sealed, timeoutS }: LaneConfig): Promise<Sender> {
    const rules = readConfig(this.#env);
    const settings = await decryptSettings(rules.encryptionKeys, webhook.uuid, sealed);
    this.#storage()?.keepRequestShape(version, {
      webhook,
      chat: chatServiceOf(settings.url),
      headerNames: Object.keys(settings.headers ?? {}),
    });
    return createSender({ webhook, settings, timeoutS, rules });
  }
}
