/** Reading what others answer: never more than a bound, and nothing left unread and open. */
import { log } from "../log";

/** @returns the first `bytesMax` bytes of the body as text; the rest is cancelled unread. */
export async function readBounded(response: Response, bytesMax: number): Promise<string> {
  if (isShort(response, bytesMax)) return response.text();
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

/** Whether an answer's own word is that it fits: what is packed may grow. */
function isShort({ headers }: Response, bytesMax: number): boolean {
  const length = headers.get("Content-Length");
  return length !== null && Number(length) <= bytesMax && !headers.has("Content-Encoding");
}
