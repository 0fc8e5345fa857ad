/** One signed request: the same bytes, headers and signatures that a receiver of the gateway gets. */

const encoder = new TextEncoder();
const webhook = {
  name: "bench",
  verify_ssl: false,
  content_type: "application/json",
  uuid: "33333333-0000-4000-8000-000000000000",
  type: "webhook",
};

/** @returns a function that sends one event and gives the status of the answer. */
export async function openDelivery(
  to: string,
): Promise<(sequence: number, event: string) => Promise<number>> {
  const secret = encoder.encode("bench-secret");
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, [
    "sign",
  ]);
  const sign = async (text: string) =>
    new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text)));
  const deliveredFor = JSON.stringify(webhook);
  return async (sequence, event) => {
    const body = `{"delivered_for":${deliveredFor},"event":${event}}`;
    const id = `33333333-0000-8000-8000-${sequence.toString(16).padStart(12, "0")}`;
    const timestamp = Math.floor(Date.now() / 1000);
    const [hub, standard] = await Promise.all([sign(body), sign(`${id}.${timestamp}.${body}`)]);
    const response = await fetch(to, {
      method: "POST",
      body,
      headers: {
        "Content-Type": "application/json",
        "User-Agent": "Orchest",
        "X-Orchest-Event": "project:cron-job:run:pipeline-run:failed",
        "X-Orchest-Delivery": id,
        "X-Orchest-Sequence": String(sequence),
        "X-Orchest-Attempt": "1",
        "X-Hub-Signature": hub.toHex(),
        "webhook-id": id,
        "webhook-timestamp": String(timestamp),
        "webhook-signature": `v1,${standard.toBase64()}`,
      },
    });
    await response.text();
    return response.status;
  };
}
