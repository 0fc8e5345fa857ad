/** Reading what others answer: never more than a bound, and nothing left unread and open. */
import { log } from "../log";

/** @returns the first `bytesMax` bytes of the body as text; the rest is cancelled unread. */
export async function readBounded(response: Response, bytesMax: number): Promise<string> {
  if (response.body === null) return "";
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let left = bytesMax; left > 0;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    const kept = value.subarray(0, left);
    text += decoder.decode(kept, { stream: true });
    left -= kept.length;
  }
  reader.cancel().catch((error) => log("warn", "answer not cancelled", { error: String(error) }));
  return text;
}
