/** The order of `npm start` to begin no more attempts, before it ends the process. */
import { readConfig } from "./platform/config";
import { log } from "./platform/log";
import { stopSending } from "./lane/planned-stop";

/** How long attempts that are under way may take to land. */
const landMs = 5000;

/**
 * Obeys the order if `cron` is one: a schedule that wrangler.toml does not have, so that Cloudflare never calls it. It
 * holds an HMAC of an API token, since any page in a browser may call the schedules of `wrangler dev`.
 * @returns whether it was an order to stop, also one that was refused.
 */
export async function obeyStop(env: Env, cron: string): Promise<boolean> {
  const [order, code = ""] = cron.split(" ");
  if (order !== "stop") return false;
  for (const token of readConfig(env).apiTokens) {
    if (!(await isSignedWith(token, code))) continue;
    log("info", "stopped sending", { under_way: await stopSending(landMs) });
    return true;
  }
  log("warn", "an order to stop sending was refused");
  return true;
}

async function isSignedWith(token: string, code: string): Promise<boolean> {
  if (!/^[0-9a-f]{64}$/.test(code)) return false;
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(token), algorithm, false, ["verify"]);
  return crypto.subtle.verify("HMAC", key, Uint8Array.fromHex(code), encoder.encode("stop"));
}
