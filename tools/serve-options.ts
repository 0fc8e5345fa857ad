/** Shared by `npm start` and `npm run dev`: their options, and the port. */
import { createServer } from "node:net";
import { resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { readOptions, wholeNumber } from "./command-line.ts";
import { projectDirectory } from "./project-directory.ts";

/** Where a local gateway serves. */
export const host = "127.0.0.1";
const portMax = 65_535;
/** A gateway that was just killed frees its port a moment later. */
const portFreedMs = 2000;
const portLookMs = 100;

/** The options of a command that serves. `--help` prints `usage`; one that is not valid exits with code 2. */
export type ServeOptions = {
  port: number;
  stateDirectory: string;
  isVerbose: boolean;
  /** The wrangler.toml of a Worker that publishes through the queue; null for none. */
  producer: string | null;
  /** Whether a relay runs beside the gateway. */
  hasRelay: boolean;
};

/** @returns the options of the command line. */
export function readServeOptions(usage: string): ServeOptions {
  const options = readOptions(usage, {
    port: { type: "string", default: "8787" },
    "persist-to": { type: "string", default: resolve(projectDirectory, ".wrangler/state") },
    verbose: { type: "boolean", default: false },
    producer: { type: "string" },
    relay: { type: "boolean", default: false },
  });
  return {
    // A producer serves on the next one.
    port: wholeNumber("--port", options.port, {
      min: 1,
      max: options.producer === undefined ? portMax : portMax - 1,
    }),
    stateDirectory: resolve(options["persist-to"]),
    isVerbose: options.verbose,
    producer: options.producer === undefined ? null : resolve(options.producer),
    hasRelay: options.relay,
  };
}

/** @throws {Error} with a sentence that names the port when it stays in use. */
export async function requireFreePort(port: number): Promise<void> {
  const until = Date.now() + portFreedMs;
  while (!(await isPortFree(port))) {
    if (Date.now() > until) {
      const next = port < portMax ? port + 1 : port - 1;
      throw new Error(
        `Port ${port} is taken. Stop what serves there, or take another one, with a state of its own: npm start -- --port ${next} --persist-to .wrangler/state-${next}`,
      );
    }
    await wait(portLookMs);
  }
}

function isPortFree(port: number): Promise<boolean> {
  const probe = createServer();
  const { promise, resolve: answer, reject } = Promise.withResolvers<boolean>();
  probe.once("error", (error: NodeJS.ErrnoException) =>
    error.code === "EADDRINUSE" ? answer(false) : reject(error),
  );
  probe.listen(port, host, () => probe.close(() => answer(true)));
  return promise;
}
