/** Deliveries in memory that were just accepted: a lane that sends them at once need not read them back. */
import type { Outgoing } from "./outbox";

/** A hundred lanes may share what one isolate has (128 MB). */
const charactersMax = 500_000;

export class JustAccepted {
  readonly #deliveries = new Map<number, Outgoing>();
  #characters = 0;

  /** Keeps deliveries, as far as there is room. */
  add(accepted: readonly Outgoing[]): void {
    for (const delivery of accepted) {
      const characters = this.#characters + delivery.event.length;
      if (characters > charactersMax) return;
      this.#characters = characters;
      this.#deliveries.set(delivery.sequence, delivery);
    }
  }

  /** Gives a delivery away, as it was accepted, or undefined when it is not here (any more). */
  take(sequence: number): Outgoing | undefined {
    const delivery = this.#deliveries.get(sequence);
    if (delivery === undefined) return undefined;
    this.#deliveries.delete(sequence);
    this.#characters -= delivery.event.length;
    return delivery;
  }

  /** Keeps nothing any more: nothing is sent for now. */
  clear(): void {
    this.#deliveries.clear();
    this.#characters = 0;
  }
}
