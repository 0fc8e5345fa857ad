/** `npm run relay`: the program. It stores nothing on disk, and ends on SIGTERM after the requests under way. */
import { once } from "node:events";
import type { Server } from "node:http";
import { importRelayKeys, type RelayKeys } from "../../src/send/egress/protocol.ts";
import { watchNpm } from "../parent-watch.ts";
import { Connections } from "./connections.ts";
import { stayConnected } from "./dial-out.ts";
import { log } from "./log.ts";
import { Relay } from "./relay.ts";
import { systemResolve } from "./resolve.ts";
import { createRelayServer } from "./server.ts";
import { readSettings, type RelaySettings, usage } from "./settings.ts";

/** How long the gateway may take to close its end of a connection. Node itself would wait for 10 s. */
const closeMs = 1000;

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // A second one ends it at once.
    if (stopping.signal.aborted) process.exit(1);
    stopping.abort();
  });
}
watchNpm(() => stopping.abort());

try {
  const settings = readSettings(process.argv.slice(2), process.env);
  if (settings === null) console.log(usage);
  else await run(settings);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

async function run({ secrets, allow, hosts, concurrency, listen, dialOut }: RelaySettings): Promise<void> {
  const keys = await Promise.all(secrets.map(importRelayKeys));
  const [own] = keys;
  if (own === undefined) throw new Error("There is no secret.");
  const connections = new Connections(hosts);
  const relay = new Relay({ keys, allow, concurrency, connections, resolve: systemResolve });
  const running: Promise<void>[] = [];
  if (listen !== null) running.push(serveUntilStopped(await listenAt(listen, relay, keys)));
  if (dialOut !== null) running.push(stayConnected({ ...dialOut, relay, keys: own }, stopping.signal));
  await Promise.all(running);
  connections.close();
  setTimeout(() => process.exit(), closeMs).unref();
}

/** Listens. @throws when the address is taken. */
async function listenAt(
  { host, port, tls }: NonNullable<RelaySettings["listen"]>,
  relay: Relay,
  keys: readonly RelayKeys[],
): Promise<Server> {
  const server = createRelayServer({ relay, keys, tls });
  server.listen(port, host);
  await once(server, "listening");
  log("info", "listening", { address: server.address(), tls: tls !== null });
  return server;
}

/** Takes requests until the relay is stopped. Resolves when each was answered. */
async function serveUntilStopped(server: Server): Promise<void> {
  await once(stopping.signal, "abort");
  const closed = once(server, "close");
  server.close();
  server.closeIdleConnections();
  await closed;
}
