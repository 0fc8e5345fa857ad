/** A receiver that writes bytes instead of HTTP: broken answers, and answers without end. */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { freePort } from "./gateway.ts";

/** What is written as the answer; then the connection stays open, is closed, is reset, or gets `endless` for ever. */
export type RawAnswer = { head: string | Buffer; next?: "close" | "reset" | { endless: string | Buffer } };

/** Time for what was written to arrive before the connection is reset. */
const resetAfterMs = 200;

/** Answers every request by the first part of its path. */
export class RawReceiver {
  /** The path of each request, in order of arrival. */
  readonly requests: string[] = [];
  readonly #answers: Record<string, RawAnswer>;
  readonly #sockets = new Map<Socket, string>();
  readonly #server: Server;
  readonly #port: number;

  private constructor(port: number, answers: Record<string, RawAnswer>) {
    this.#port = port;
    this.#answers = answers;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** Starts one, which stops with the test that called this. @param answers by the first part of the path. */
  static async start(answers: Record<string, RawAnswer>): Promise<RawReceiver> {
    const receiver = new RawReceiver(await freePort(), answers);
    receiver.#server.listen(receiver.#port, "127.0.0.1");
    await once(receiver.#server, "listening");
    onTestFinished(() => receiver.#stop());
    return receiver;
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.#port}/${path}`;
  }

  /** The most bytes that the gateway's side took of one answer on this path, buffers of sockets included. */
  mostBytesTaken(path: string): number {
    return Math.max(
      ...this.#on(path).map(({ bytesWritten, writableLength }) => bytesWritten - writableLength),
    );
  }

  /** Whether the gateway's side has closed every connection on this path. */
  isLeft(path: string): boolean {
    return this.#on(path).every(({ destroyed }) => destroyed);
  }

  #on(path: string): Socket[] {
    return [...this.#sockets].filter(([, served]) => served === path).map(([socket]) => socket);
  }

  #serve(socket: Socket): void {
    let text = "";
    // The gateway may break off whatever it does not read.
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const { path, length } = requestIn(text) ?? {};
      if (path === undefined || length === undefined) return;
      text = text.slice(length);
      this.requests.push(path);
      this.#sockets.set(socket, path);
      this.#answer(socket, path);
    });
  }

  #answer(socket: Socket, path: string): void {
    const answer = this.#answers[path];
    if (answer === undefined) return void socket.destroy();
    const { head, next } = answer;
    if (next === "close") return void socket.end(head);
    socket.write(head);
    if (next === "reset") setTimeout(() => socket.resetAndDestroy(), resetAfterMs);
    if (typeof next !== "object") return;
    const pour = () => {
      while (!socket.destroyed && socket.write(next.endless));
    };
    socket.on("drain", pour);
    pour();
  }

  async #stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets.keys()) socket.destroy();
    await closed;
  }
}

/** The first part of the path, and the length, of a request that has arrived whole; else undefined. */
function requestIn(text: string): { path: string; length: number } | undefined {
  const end = text.indexOf("\r\n\r\n");
  const path = /^POST \/(\w*)/.exec(text)?.[1];
  if (end === -1 || path === undefined) return undefined;
  const length = end + 4 + Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
  return text.length < length ? undefined : { path, length };
}

/** Bytes as one chunk of the chunked coding. */
export function chunk(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}
