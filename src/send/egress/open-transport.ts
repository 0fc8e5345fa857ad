/** Creates the transport of an egress. */
import type { Egress } from "../../platform/egress-settings";
import { fetchRetryingStaleConnections } from "../stale-connections";
import { GatewayFailure } from "../gateway-failure";
import { throughBinding } from "./direct";
import { hubOf } from "./relay-hub";
import { throughRelay } from "./through-relay";
import type { Transport } from "./transport";

/** @param answerBytesMax the most bytes of a response's body that are used. @returns the transport of an egress. */
export function openTransport(env: Env, egress: Egress, answerBytesMax: number): Transport {
  const { name } = egress;
  switch (egress.kind) {
    case "binding":
      return throughBinding(name, bindingOf(env, egress.binding));
    case "relay": {
      const { url, secret, binding } = egress;
      const fetchBy: (url: string, init: RequestInit & { signal: AbortSignal }) => Promise<Response> =
        binding === null
          ? fetchRetryingStaleConnections
          : (input, init) => bindingOf(env, binding).fetch(input, init);
      return throughRelay(name, {
        secret,
        answerBytesMax,
        ask: (body, init) => fetchBy(url, { ...init, method: "POST", body, redirect: "manual" }),
      });
    }
    case "dialOut":
      return throughRelay(name, {
        secret: egress.secret,
        answerBytesMax,
        ask: (body, { signal }) => askHub(env, name, body, signal),
      });
  }
}

/** @throws {GatewayFailure} when no relay is connected. */
async function askHub(
  env: Env,
  name: string,
  body: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
): Promise<Response> {
  const response = await hubOf(env, name).fetch("https://hub/", { method: "POST", body, signal });
  if (response.status !== 503) return response;
  await response.body?.cancel();
  throw new GatewayFailure("egress", `No relay of the egress ${name} is connected.`);
}

/** @throws {GatewayFailure} when the deployment does not have the binding, which is not the receiver's failure. */
function bindingOf(env: Env, name: string): Fetcher {
  const binding: unknown = env[name as keyof Env];
  if (typeof binding === "object" && binding !== null && "fetch" in binding) return binding as Fetcher;
  throw new GatewayFailure(
    "egress",
    `EGRESS names the binding ${name}, which this deployment does not have.`,
  );
}
