/** A real receiver in the test process. It keeps the exact bytes of all that arrives. */
import { createHmac } from "node:crypto";
import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { onTestFinished } from "vitest";
import { freePort } from "./gateway.ts";

/** One request as it arrived. */
export type Arrival = {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** When its last byte had arrived, in ms. */
  at: number;
  /** From the headers: 0 on pings, which have neither. */
  sequence: number;
  attempt: number;
};

/** Decides what one arrival is answered with: a status, at once or later, or "answered" when it did that itself. */
export type Answer = (arrival: Arrival, response: ServerResponse) => Status | Promise<Status>;
type Status = number | "answered";

/** Listens on a port of its own, which stays the same when it is stopped and started again. */
export class Receiver {
  readonly arrivals: Arrival[] = [];
  answer: Answer;
  #server: Server | undefined;
  readonly #port: number;

  private constructor(port: number, answer: Answer) {
    this.#port = port;
    this.answer = answer;
  }

  /** Starts one, which stops with the test that called this. */
  static async start(answer: Answer = () => 200): Promise<Receiver> {
    const receiver = await Receiver.open(answer);
    onTestFinished(() => receiver.stop());
    return receiver;
  }

  /** Starts one for several tests. Whoever does ends it with `stop()`. */
  static async open(answer: Answer = () => 200): Promise<Receiver> {
    const receiver = new Receiver(await freePort(), answer);
    await receiver.start();
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Whether the delivery of this number within its webhook was received, at whichever attempt. */
  hasReceived(sequence: number): boolean {
    return this.arrivals.some((arrival) => arrival.sequence === sequence);
  }

  async start(): Promise<void> {
    this.#server = createServer((request, response) => {
      // A request that breaks off is no arrival.
      this.#receive(request, response).catch(() => response.destroy());
    }).listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  /** From now on connections are refused. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const arrival = await read(request);
    this.arrivals.push(arrival);
    const status = await this.answer(arrival, response);
    if (status !== "answered") response.writeHead(status).end();
  }
}

/** The arrivals' sequence numbers, each where it came first. */
export function firstSequences(arrivals: Arrival[]): number[] {
  return [...new Set(arrivals.map(({ sequence }) => sequence))];
}

/**
 * The most arrivals in any window of one second, for a webhook that sends one after the other. One more than its limit
 * is within the limit, however slow the machine is: a delivery begins after the one before it was answered, so that
 * only the window's first one can have been on its way for long.
 */
export function mostInOneSecond(arrivals: Arrival[]): number {
  const times = arrivals.map(({ at }) => at);
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1000).length));
}

/** The uuid of the event in a JSON delivery. */
export function eventUuid(arrival: Arrival): string {
  const { event } = JSON.parse(arrival.body.toString()) as { event: { uuid: string } };
  return event.uuid;
}

/** What `X-Hub-Signature` must be, computed independently of the gateway and of the example receiver. */
export function hubSignature(secret: string, body: Buffer | string): string {
  return createHmac("sha256", Buffer.from(secret, "utf8")).update(body).digest("hex");
}

async function read(request: IncomingMessage): Promise<Arrival> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return {
    method: request.method ?? "",
    path: request.url ?? "",
    headers: request.headers,
    body: Buffer.concat(chunks),
    at: Date.now(),
    sequence: Number(request.headers["x-orchest-sequence"] ?? 0),
    attempt: Number(request.headers["x-orchest-attempt"] ?? 0),
  };
}
