/** One kill for several scenarios at once, each in its middle: every start of a gateway takes seconds. */
import { setTimeout as wait } from "node:timers/promises";
import { eventually } from "./eventually.ts";
import type { Gateway } from "./gateway.ts";
import type { Answer } from "./receiver.ts";

/** Well within the longest time-out of a webhook, which is 30 s: a delivery that is slowed down does not fail. */
const slowMs = 10_000;
const pollMs = 25;

export class OneKill {
  readonly gateway: Gateway;
  readonly #begun = Promise.withResolvers<void>();
  readonly #done = Promise.withResolvers<void>();
  readonly #restarted = Promise.withResolvers<void>();
  #awaited: number;
  #hasBegun = false;

  /** @param scenarios how many there are. */
  constructor(gateway: Gateway, scenarios: number) {
    this.gateway = gateway;
    this.#awaited = scenarios;
  }

  /** Resolves when the gateway is about to be killed. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  /** Resolves when nothing of the gateway runs any more, before it is started again. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** A scenario says that it is in its middle. The last one's call brings the kill. Resolves when the gateway serves again. */
  inTheMiddle(): Promise<void> {
    this.#awaited -= 1;
    if (this.#awaited === 0) this.#run().catch(this.#restarted.reject);
    return this.#restarted.promise;
  }

  /** Waits until no more than so many scenarios, the caller among them, are still on their way to their middle. */
  async onlyLeft(count: number): Promise<void> {
    await eventually("the other scenarios are in their middle", () => this.#awaited <= count);
  }

  /** Answers 200 after `answerAfterMs`, and slowly for as long as `isTooFar` and the kill is still to come. */
  answer(isTooFar: (...arrival: Parameters<Answer>) => boolean, answerAfterMs = 0): Answer {
    return async (...arrival) => {
      await wait(answerAfterMs);
      const end = Date.now() + slowMs;
      while (isTooFar(...arrival) && !this.#hasBegun && Date.now() < end) await wait(pollMs);
      return 200;
    };
  }

  async #run(): Promise<void> {
    this.#hasBegun = true;
    this.#begun.resolve();
    await this.gateway.kill();
    this.#done.resolve();
    await this.gateway.start();
    this.#restarted.resolve();
  }
}
