/** Work that continues after the response. */
import { waitUntil } from "cloudflare:workers";

/** Continues `work` after the end of the current request, alarm or run of cron. Where there is none, it waits for it. */
export async function afterAnswer(work: Promise<void>): Promise<void> {
  try {
    waitUntil(work);
  } catch {
    await work;
  }
}
