/** A test ping. It is signed and sent like a delivery, but not stored and not retried. */
import { orchestTime } from "../platform/time";
import type { ErrorClass } from "./error-class";
import { explainFailure } from "./explain-failure";
import { RequestError } from "../platform/errors";
import { GatewayFailure } from "./gateway-failure";
import { createSender, type Message, type Sender, type SenderSetup } from "./sender";

/** The result of a ping. `reason`: a clause for people, such as `the receiver answered 404 Not Found`. */
export type PingResult =
  | { delivered: true }
  | { delivered: false; error: ErrorClass; status: number | null; reason: string };

/**
 * Sends one ping. Every failure of the receiver is a result with `delivered: false`.
 * @throws {RequestError} 503 when the gateway could not make the attempt.
 */
export async function sendPing(setup: SenderSetup): Promise<PingResult> {
  const sender = await createSender(setup);
  const event = JSON.stringify({
    type: "ping",
    uuid: crypto.randomUUID(),
    timestamp: orchestTime(Date.now()),
  });
  const { result } = await send(sender, {
    deliveryUuid: crypto.randomUUID(),
    eventType: "ping",
    event,
    isTest: true,
  });
  const { error, status } = result;
  if (error === null) return { delivered: true };
  return { delivered: false, error, status, reason: explainFailure({ ...result, error }, sender.timeoutMs) };
}

async function send(sender: Sender, message: Message): ReturnType<Sender["send"]> {
  try {
    return await sender.send(message);
  } catch (error) {
    if (!(error instanceof GatewayFailure)) throw error;
    const why = error.kind === "egress" ? error.message : "The gateway is too busy to test the webhook now.";
    const reason = `${why} Nothing is known of the receiver. Try again.`;
    throw new RequestError(503, reason, { cause: error });
  }
}
