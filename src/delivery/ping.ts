/** A test ping: the same signing and sending as a delivery, but nothing is stored and nothing is tried again. */
import { createSender } from "./sender";

/** Sends one ping. A receiver's failure is `delivered: false`, whatever it was. */
export async function sendPing(setup: Parameters<typeof createSender>[0]): Promise<{ delivered: boolean }> {
  const sender = await createSender(setup);
  const event = JSON.stringify({
    type: "ping",
    uuid: crypto.randomUUID(),
    timestamp: pythonTimestamp(new Date()),
  });
  const { result } = await sender.send({
    deliveryUuid: crypto.randomUUID(),
    eventType: "ping",
    event,
  });
  return { delivered: result.error === null };
}

/** Orchest's way to write a time, Python's `str(datetime)`: `2022-06-02 16:12:25.242592+00:00`. */
function pythonTimestamp(date: Date): string {
  return date.toISOString().replace("T", " ").replace("Z", "000+00:00");
}
