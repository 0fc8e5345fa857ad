/** The relay that `npm start -- --relay` runs beside the gateway, and the setting that makes the gateway use it. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { projectDirectory } from "./project-directory.ts";

/** Loaded into the relay: it exits when its parent ends or is killed. The channel does not keep it running. */
const exitWithParent = `data:text/javascript,process.once("disconnect",()=>process.exit(1));process.channel?.unref()`;

const name = "local";
/** The relay is for receivers whose certificate is not verified: a local gateway reaches all other targets itself. */
const allow = ["*", "localhost", "*.localhost=127.0.0.0/8", "0.0.0.0/0", "[::/0]", "127.0.0.0/8", "[::1]"];

/** The secret of this run. No other relay can connect, and it need not be stored. */
export type LocalRelay = { secret: string };

export function newLocalRelay(): LocalRelay {
  return { secret: randomBytes(32).toString("hex") };
}

/**
 * @param listed the value of `EGRESS` in the environment or in `.dev.vars`, JSON or empty. @param relay null when none is to run.
 * @returns the value for the gateway; empty for none.
 * @throws {Error} without the value, which contains secrets, when the relay cannot be added to it.
 */
export function egressSetting(listed: string, relay: LocalRelay | null): string {
  if (relay === null) return listed;
  return JSON.stringify([...readList(listed), { name, secret: relay.secret, for: ["unverified"] }]);
}

/** The gateway checks the entries. */
function readList(listed: string): unknown[] {
  if (listed.trim() === "") return [];
  let list: unknown;
  try {
    list = JSON.parse(listed);
  } catch {
    // The parser's message quotes a part of the text, which may be a secret.
    throw new Error("EGRESS is not JSON.");
  }
  if (Array.isArray(list)) return list;
  throw new Error("EGRESS is not a JSON list.");
}

/**
 * Starts the relay, which connects to the gateway at `url`. It ends with this process, however that ends.
 * @param isVerbose whether all of its log is printed; otherwise only warnings and errors.
 */
export function startLocalRelay(
  { secret }: LocalRelay,
  { url, isVerbose }: { url: string; isVerbose: boolean },
): void {
  const program = join(projectDirectory, "tools", "relay", "main.ts");
  const rules = allow.flatMap((rule) => ["--allow", rule]);
  const args = ["--import", exitWithParent, program, "--gateway", url, "--name", name, ...rules];
  const relay = spawn(process.execPath, args, {
    env: { ...process.env, RELAY_SECRET: secret },
    stdio: ["ignore", "pipe", "inherit", "ipc"],
    // A process group of its own: Ctrl-C in a terminal would end it before the attempts under way have finished.
    detached: process.platform !== "win32",
  });
  relay.on("error", (error) => console.error(`The relay failed: ${error.message}`));
  if (relay.stdout === null) return;
  createInterface({ input: relay.stdout }).on("line", (line) => {
    if (isVerbose || !isInfo(line)) console.log(line);
  });
}

/** Whether a line of the relay's log (`relay/log.ts`) tells that all is well. */
function isInfo(line: string): boolean {
  return /^\{"time":"[^"]*","level":"info"/.test(line);
}
