/** A WebSocket that keeps to no rule: it sends whatever it is told to, also after it was closed. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8 };

export class RawWebSocket {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  /** The answer to the request that opened it. */
  readonly status: number;

  private constructor(socket: Socket, status: number) {
    this.#socket = socket;
    this.status = status;
    socket.on("data", (chunk: Buffer) => (this.#received = Buffer.concat([this.#received, chunk])));
    // Being cut off is what it is there for.
    socket.on("error", () => undefined);
  }

  /** Asks `url`, which has a port, for one at `path`. @param headers beside those of the protocol, as lines. */
  static async open(url: string, path: string, headers: string[]): Promise<RawWebSocket> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    const request = [
      `GET ${path} HTTP/1.1`,
      `Host: ${hostname}:${port}`,
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
      ...headers,
    ];
    socket.write(`${request.join("\r\n")}\r\n\r\n`);
    const [chunk] = (await once(socket, "data")) as [Buffer];
    return new RawWebSocket(socket, Number(/^HTTP\/1\.1 (\d{3})/.exec(chunk.toString("latin1"))?.[1]));
  }

  /** Whether the connection is gone: nothing can be sent any more. */
  get isCut(): boolean {
    return this.#socket.destroyed;
  }

  /** How many bytes the other side, or the systems in between, have taken. */
  get bytesTaken(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  /** The texts that it was sent, and the code that it was closed with. Frames from the gateway are short. */
  get messages(): (string | number)[] {
    const messages: (string | number)[] = [];
    for (let at = 0; at + 2 <= this.#received.length;) {
      const length = this.#received.readUInt8(at + 1);
      const isClose = (this.#received.readUInt8(at) & 0x0f) === opcodes.close;
      const payload = this.#received.subarray(at + 2, at + 2 + length);
      messages.push(isClose && payload.length >= 2 ? payload.readUInt16BE() : payload.toString());
      at += 2 + length;
    }
    return messages;
  }

  send(frames: Buffer): void {
    this.#socket.write(frames);
  }

  /** Sends `frames` again and again, as fast as they are taken, until it is cut. */
  flood(frames: Buffer): void {
    if (this.isCut) return;
    this.#socket.write(frames, () => setImmediate(() => this.flood(frames)));
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** One whole message as a client sends it; the mask is of zeros. */
export function frame(kind: "text" | "binary", payload: string): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(10);
  head.writeUInt8(0x80 | opcodes[kind]);
  head.writeUInt8(0x80 | 127, 1);
  head.writeBigUInt64BE(BigInt(length), 2);
  const short = Buffer.from([0x80 | opcodes[kind], 0x80 | length]);
  return Buffer.concat([length < 126 ? short : head, Buffer.alloc(4), Buffer.from(payload, "latin1")]);
}
