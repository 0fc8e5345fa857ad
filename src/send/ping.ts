/** A test ping: the same signing and sending as a delivery, but nothing is stored and nothing is tried again. */
import { orchestTime } from "../platform/time";
import type { ErrorClass } from "./error-class";
import { explainFailure } from "./explain-failure";
import { createSender, type SenderSetup } from "./sender";
import { TimeLimits } from "./time-limits";

/** What became of a ping. `reason`: a part of a sentence for people, such as `the receiver answered 404 Not Found`. */
export type PingResult =
  | { delivered: true }
  | { delivered: false; error: ErrorClass; status: number | null; reason: string };

/** Sends one ping. A receiver's failure is `delivered: false`, whatever it was. */
export async function sendPing(setup: SenderSetup): Promise<PingResult> {
  const limits = new TimeLimits();
  const sender = await createSender(setup, limits);
  const event = JSON.stringify({
    type: "ping",
    uuid: crypto.randomUUID(),
    timestamp: orchestTime(Date.now()),
  });
  const { result } = await sender.send({
    deliveryUuid: crypto.randomUUID(),
    eventType: "ping",
    event,
  });
  limits.rest();
  const { error, status } = result;
  if (error === null) return { delivered: true };
  return { delivered: false, error, status, reason: explainFailure({ ...result, error }, sender.timeoutMs) };
}
