/** The relay that `npm start -- --relay` runs beside the gateway, and the setting that makes the gateway use it. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
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
 */
export function egressSetting(listed: string, relay: LocalRelay | null): string {
  if (relay === null) return listed;
  const others = listed === "" ? [] : (JSON.parse(listed) as unknown[]);
  return JSON.stringify([...others, { name, secret: relay.secret, for: ["unverified"] }]);
}

/** Starts the relay, which connects to the gateway. It ends with this process, however that ends. */
export function startLocalRelay(gatewayUrl: string, { secret }: LocalRelay): void {
  const program = join(projectDirectory, "tools", "relay", "main.ts");
  const rules = allow.flatMap((rule) => ["--allow", rule]);
  const args = ["--import", exitWithParent, program, "--gateway", gatewayUrl, "--name", name, ...rules];
  const relay = spawn(process.execPath, args, {
    env: { ...process.env, RELAY_SECRET: secret },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    // A process group of its own: Ctrl-C in a terminal would end it before the attempts under way have finished.
    detached: process.platform !== "win32",
  });
  relay.on("error", (error) => console.error(`The relay failed: ${error.message}`));
}
