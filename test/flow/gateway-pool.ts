/**
 * Before all tests: gateways that files borrow one after the other. To start one takes longer than most files' tests.
 * The first is started when a file asks for it, another one only while all are lent.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestProject } from "vitest/node";
import { Gateway } from "./gateway.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The pool's URL: `POST /` borrows a gateway, `DELETE /{port}` gives it back. */
    gatewayPool: string;
  }
}

/** @returns what ends all gateways of the pool, also those that nobody gave back. */
export default async function openGatewayPool({ provide }: TestProject): Promise<() => Promise<void>> {
  const all: Gateway[] = [];
  const idle: Gateway[] = [];

  async function lend(): Promise<Gateway> {
    const free = idle.pop();
    if (free !== undefined) return free;
    const started = await Gateway.start();
    all.push(started);
    return started;
  }

  function takeBack(port: number): void {
    idle.push(...all.filter((gateway) => gateway.port === port));
  }

  async function serve({ method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (method === "DELETE") {
      takeBack(Number(url?.slice(1)));
      response.writeHead(204).end();
      return;
    }
    const { port, url: gatewayUrl, token } = await lend();
    response.end(JSON.stringify({ port, url: gatewayUrl, token }));
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  provide("gatewayPool", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);

  return async () => {
    server.close();
    server.closeAllConnections();
    await Promise.all(all.map((gateway) => gateway.remove()));
  };
}
