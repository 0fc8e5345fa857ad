/** Receivers of the relay's tests: real servers with real certificates. */
import { once } from "node:events";
import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { onTestFinished } from "vitest";

/** A request as it arrived. `servername`: what the client asked for in the handshake (SNI); `clientName`: of its certificate. */
export type Seen = {
  method: string;
  path: string;
  headers: http.IncomingHttpHeaders;
  body: string;
  servername: string | false | null | undefined;
  clientName: string | undefined;
};

export type Answer = (response: http.ServerResponse, request: http.IncomingMessage) => void;
const ok: Answer = (response) => void response.end("done");

/** Starts one that ends with the test. @param tls null for plain HTTP. */
export async function startReceiver(
  tls: https.ServerOptions | null = null,
  answer: Answer = ok,
): Promise<{ port: number; seen: Seen[] }> {
  const seen: Seen[] = [];
  const onRequest = async (request: http.IncomingMessage, response: http.ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { servername, getPeerCertificate } = request.socket as Partial<TLSSocket>;
    seen.push({
      method: request.method ?? "",
      path: request.url ?? "",
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
      servername,
      clientName: getPeerCertificate?.call(request.socket).subject?.CN?.toString(),
    });
    answer(response, request);
  };
  const listener = (request: http.IncomingMessage, response: http.ServerResponse) => {
    onRequest(request, response).catch(() => response.destroy());
  };
  const server = tls === null ? http.createServer(listener) : https.createServer(tls, listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as AddressInfo).port, seen };
}
