/** The stand-in for receivers in workerd: what was sent, and programmable answers. */
import { vi } from "vitest";
import { watch } from "./secrets";

/** A request as the receiver saw it. `signal` is the sender's: a receiver that hangs waits for it. */
export type Received = { url: string; headers: Headers; body: string; signal: AbortSignal };

/** What a receiver answers to each request. @param index counts the requests, from 0. */
export type Answering = (request: Received, index: number) => Response | Promise<Response>;

/** What the resolver answers about a name, for one kind of record (`A`, `AAAA`). */
export type Resolving = (name: string, type: string) => Response | Promise<Response>;

/**
 * Answers every fetch of this test, and keeps the gateway's log out of the tests' output.
 * @param answer is given each request; by default 200.
 * @param resolve is asked for names: those questions are no deliveries. By default there is no such name.
 * @returns what was received, and what the gateway has logged so far.
 */
export function receiver(
  answer: Answering = ok,
  resolve: Resolving = noSuchName,
): { received: Received[]; logged: () => string } {
  const { logged } = captureLog();
  const received: Received[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    const { url, headers } = request;
    const asked = new URL(url);
    if (asked.hostname === "cloudflare-dns.com") {
      return resolve(asked.searchParams.get("name") ?? "", asked.searchParams.get("type") ?? "");
    }
    // Not text(): that takes a byte order mark away.
    const body = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      await request.arrayBuffer(),
    );
    const one = { url, headers, body, signal: init?.signal ?? request.signal };
    received.push(one);
    return answer(one, received.length - 1);
  });
  return { received, logged };
}

/** Keeps the log from the output. @returns what was logged so far, a line each. */
export function captureLog(): { logged: () => string } {
  const lines: string[] = [];
  const keep = (...parts: unknown[]): void => {
    const line = parts.map(String).join(" ");
    watch("a log line", line);
    lines.push(line);
  };
  for (const level of ["info", "warn", "error"] as const) vi.spyOn(console, level).mockImplementation(keep);
  return { logged: () => lines.join("\n") };
}

/** A receiver that never answers: it waits until the sender gives up. */
export function hanging({ signal }: Pick<Received, "signal">): Promise<Response> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new DOMException("Aborted", "AbortError")));
  });
}

/** The resolver's answer that a name has these addresses, whatever their kind. */
export function addresses(...data: string[]): Response {
  const Answer = data.map((one) => ({ name: "asked", type: one.includes(":") ? 28 : 1, TTL: 60, data: one }));
  return Response.json({ Status: 0, Answer });
}

function noSuchName(): Response {
  return Response.json({ Status: 3 });
}

function ok(): Response {
  return new Response("ok");
}
