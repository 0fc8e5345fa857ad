/**
 * A process of its own: the receiver of all deliveries. What it answers stands in the path: `/ok/…` at once,
 * `/wait/50/…` after 50 ms, `/hang/…` never, `/fail-some/…` 503 to every tenth delivery's first attempt, after the
 * milliseconds that follow. It counts arrivals, and how long they took.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { nowMs } from "./sample-event.ts";
import { serveCalls } from "./process-calls.ts";

/** What came since `expect`: the latencies (from publishing to arrival, in ms) of what carries its time. */
export type Arrivals = { count: number; lastAtMs: number; latenciesMs: number[] };

export type ReceiverCalls = {
  /** Where it listens. */
  origin(): Promise<string>;
  /** Begins to count anew: arrivals whose path contains `path`. */
  expect(what: { path: string }): Promise<void>;
  /** Waits for so many answered arrivals since then. */
  arrived(what: { count: number }): Promise<Arrivals>;
};

/** How long a case waits for its deliveries: one that loses some ends. */
const patienceMs = 120_000;

const sentAt = /"sent_at_ms":"(\d+\.\d+)"/;

let path = "/";
let arrivals: Arrivals = { count: 0, lastAtMs: 0, latenciesMs: [] };
let waiting: { count: number; resolve: (arrivals: Arrivals) => void } | undefined;

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => receive(request, Buffer.concat(chunks), response));
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () =>
  serveCalls({
    origin: async () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async expect(what) {
      ({ path } = what);
      arrivals = { count: 0, lastAtMs: 0, latenciesMs: [] };
    },
    arrived: ({ count }) =>
      new Promise((resolve, reject) => {
        waiting = { count, resolve };
        settle();
        const tooLate = () => reject(new Error(`${arrivals.count} of ${count} arrived at ${path}.`));
        setTimeout(tooLate, patienceMs).unref();
      }),
  } satisfies ReceiverCalls),
);

function receive(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
  const arrivedAtMs = nowMs();
  const [, kind, delay] = (request.url ?? "").split("/");
  if (kind === "hang") return;
  const answer = () => {
    const status = kind === "fail-some" && failsNow(request) ? 503 : 200;
    response.writeHead(status, { "Content-Length": 2 }).end("ok");
    count(request.url ?? "", body, arrivedAtMs);
  };
  const delayMs = Number(delay);
  if (delayMs > 0) setTimeout(answer, delayMs);
  else answer();
}

function failsNow({ headers }: IncomingMessage): boolean {
  return Number(headers["x-orchest-sequence"]) % 10 === 0 && headers["x-orchest-attempt"] === "1";
}

function count(url: string, body: Buffer, arrivedAtMs: number): void {
  if (!url.includes(path)) return;
  const [, sent] = sentAt.exec(body.toString("latin1")) ?? [];
  arrivals.count += 1;
  arrivals.lastAtMs = arrivedAtMs;
  arrivals.latenciesMs.push(arrivedAtMs - Number(sent));
  settle();
}

function settle(): void {
  if (waiting === undefined || arrivals.count < waiting.count) return;
  waiting.resolve(arrivals);
  waiting = undefined;
}
