/** A process of its own: the relay of the case `relay`, which listens on the own machine. */
import type { AddressInfo } from "node:net";
import { importRelayKeys } from "../../src/send/egress/protocol.ts";
import { parseAllowRule } from "../relay/allow-list.ts";
import { Connections } from "../relay/connections.ts";
import { Relay } from "../relay/relay.ts";
import { systemResolve } from "../relay/resolve.ts";
import { createRelayServer } from "../relay/server.ts";
import { relaySecret } from "./relay-secret.ts";
import { serveCalls } from "./process-calls.ts";

export type RelayCalls = {
  /** Where it listens. */
  origin(): Promise<string>;
};

// As with the gateway's own log: lines that somebody reads cost time on the same cores.
console.log = () => undefined;
const keys = [await importRelayKeys(relaySecret)];
const relay = new Relay({
  keys,
  allow: [parseAllowRule("127.0.0.1")],
  connections: new Connections([]),
  resolve: systemResolve,
  concurrency: 100,
});
const server = createRelayServer({ relay, keys, tls: null });
server.listen(0, "127.0.0.1", () =>
  serveCalls({
    origin: async () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
  } satisfies RelayCalls),
);
