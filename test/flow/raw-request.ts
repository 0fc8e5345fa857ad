/** HTTP as it stands on the wire: clients set `Host` themselves. */
import { once } from "node:events";
import { connect } from "node:net";

/**
 * Sends one request over a connection of its own.
 * @param lines the request line and the headers, without `Connection`.
 * @returns the status and everything behind the headers.
 */
export async function rawRequest(port: number, lines: string[]): Promise<{ status: number; body: string }> {
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
  socket.write(`${[...lines, "Connection: close"].join("\r\n")}\r\n\r\n`);
  await once(socket, "close");
  const [head = "", ...body] = answer.split("\r\n\r\n");
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]), body: body.join("\r\n\r\n") };
}
