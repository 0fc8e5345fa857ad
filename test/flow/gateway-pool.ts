/**
 * Before all tests: gateways that files borrow one after the other, since to start one takes longer than most files'
 * tests. One is started when a file asks while all are lent.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { applyMigrations } from "../../tools/migrate.ts";
import { Gateway } from "./gateway.ts";

declare module "vitest" {
  interface ProvidedContext {
    /**
     * The pool's URL: `POST /` borrows a gateway, `DELETE /{port}` gives it back, `GET /state` makes a state directory
     * with all tables, the first time that it is asked for.
     */
    gatewayPool: string;
  }
}

/** @returns what ends all gateways of the pool, also those that nobody gave back. */
export default async function openGatewayPool({ provide }: TestProject): Promise<() => Promise<void>> {
  const pool = new GatewayPool();
  const server = createServer((request, response) => {
    pool.serve(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  provide("gatewayPool", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return async () => {
    server.close();
    server.closeAllConnections();
    await pool.close();
  };
}

/** An egress of the gateways, for pages to show: only of a host that no other test sends to. */
const pooledEgress = {
  name: "inside",
  secret: "an-egress-secret-of-the-suite-0123456789",
  for: ["*.behind.example"],
};

class GatewayPool {
  readonly #all: Gateway[] = [];
  readonly #idle: Gateway[] = [];
  readonly #directory = mkdtempSync(join(tmpdir(), "gateway-state-"));
  #state: Promise<string> | undefined;

  async serve({ method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (method === "POST") {
      const { port, url: gatewayUrl, token, groups } = await this.#lend();
      response.end(JSON.stringify({ port, url: gatewayUrl, token, groups }));
      return;
    }
    if (method === "DELETE") {
      const port = Number(url?.slice(1));
      this.#idle.push(...this.#all.filter((gateway) => gateway.port === port));
      response.end();
      return;
    }
    response.end(await this.#freshState());
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((gateway) => gateway.remove()));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #lend(): Promise<Gateway> {
    const free = this.#idle.pop();
    if (free !== undefined) return free;
    const started = await Gateway.start(await this.#freshState(), {
      env: { EGRESS: JSON.stringify([pooledEgress]) },
    });
    this.#all.push(started);
    return started;
  }

  #freshState(): Promise<string> {
    this.#state ??= applyMigrations(this.#directory).then(() => this.#directory);
    return this.#state;
  }
}
