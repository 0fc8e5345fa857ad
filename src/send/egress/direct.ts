/** Sends requests with the Worker's own `fetch`, or with that of a binding. */
import { classifyException } from "../error-class";
import { fetchRetryingStaleConnections } from "../stale-connections";
import { isLimitError, GatewayFailure } from "../gateway-failure";
import type { TimeLimit } from "../time-limit";
import type { Answer, NoAnswer, PreparedRequest, Transport } from "./transport";

/** The Worker's own `fetch`: it verifies certificates and reaches the internet only. */
export const direct: Transport = {
  egress: null,
  graceMs: 0,
  // The wrapper function reads the global `fetch` at each call, because tests replace it.
  send: (request, limit) => sendBy((url, init) => fetchRetryingStaleConnections(url, init), request, limit),
};

/** @returns the transport of a service binding or VPC binding, which makes the requests. @param name of the egress. */
export function throughBinding(name: string, binding: Fetcher): Transport {
  return {
    egress: name,
    graceMs: 0,
    send: (request, limit) => sendBy((url, init) => binding.fetch(url, init), request, limit),
  };
}

type Fetch = (url: string, init: RequestInit & { signal: AbortSignal }) => Promise<Response>;

async function sendBy(
  fetchOnce: Fetch,
  { url, headers, body }: PreparedRequest,
  limit: TimeLimit,
): Promise<Answer | NoAnswer> {
  const { signal } = limit;
  try {
    const response = await fetchOnce(url, {
      method: "POST",
      headers,
      body,
      redirect: "manual",
      encodeResponseBody: "manual",
      signal,
    });
    const { status, headers: answered, body: stream } = response;
    return { kind: "answered", status, headers: answered, body: stream, readSignal: signal };
  } catch (error) {
    if (limit.isGatewayLate)
      throw new GatewayFailure("late", "This process was too busy to see an answer in time.");
    if (signal.aborted) return { kind: "failed", error: "timeout", note: "" };
    if (isLimitError(error)) throw new GatewayFailure("limit", String(error), { cause: error });
    return { kind: "failed", error: classifyException(error), note: "" };
  }
}
