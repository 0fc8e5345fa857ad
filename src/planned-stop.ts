/** The stop order of `npm start`: before it ends the process, it tells the gateway to start no more attempts. */
import { readConfig } from "./platform/config";
import { log } from "./platform/log";
import { stopSending } from "./lane/planned-stop";

/** How long the gateway waits for attempts that are under way to finish. */
const landMs = 5000;

/**
 * Obeys a stop order, which comes as a cron schedule: `stop <HMAC>`. wrangler.toml does not have that schedule, so that
 * Cloudflare never calls it. The HMAC is made with an API token, because any web page may call the schedules of
 * `wrangler dev`.
 * @returns whether `cron` was a stop order, also when it was refused.
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
