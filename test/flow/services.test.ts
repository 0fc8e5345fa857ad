import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import {
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type Server,
  type ServerResponse,
} from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectDirectory } from "../../tools/project-directory.ts";
import { services } from "../stand-ins/shown-by.ts";
import type { Shown } from "../stand-ins/types.ts";
import { eventually } from "./eventually.ts";

/** A namespace of the network, in which the hosts of services are this machine. */
const unshare = ["--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child"];
const isAllowed =
  spawnSync("unshare", [...unshare, "mount", "--bind", "/etc/hosts", "/etc/hosts"]).status === 0;
if (!isAllowed) console.warn("Services under their own host names are left out: no network namespaces here.");

const failed = "project:cron-job:run:pipeline-run:failed";
const port = 20_443;
const all = Object.entries(services);
/** What each service got to show, by the webhook's URL. */
const shown = new Map<string, Shown | null>();

let directory: string;
let outside: Server;
let inside: ChildProcess;
let token = "";

beforeAll(async () => {
  if (!isAllowed) return;
  directory = mkdtempSync(join(tmpdir(), "services-flow-"));
  outside = createServer((request, response) => void answer(request, response));
  outside.listen(join(directory, "services.sock"));
  await once(outside, "listening");
  inside = enter();
  let printed = "";
  inside.stdout?.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  token = await eventually("the gateway serves", () => {
    if (inside.exitCode !== null) throw new Error(`The namespace ended: ${printed}`);
    return /Local API token: (\S+)[\s\S]*Ctrl-C stops the gateway/.exec(printed)?.[1];
  });
});

afterAll(async () => {
  if (!isAllowed) return;
  inside.stdin?.end();
  if (inside.exitCode === null) await once(inside, "exit");
  outside.close();
  rmSync(directory, { recursive: true, force: true });
});

/** What the service answers whose host and path were asked. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", `https://${request.headers.host}`).href;
  // Some are below the URL of another one.
  const [service] = all
    .map(([, one]) => one)
    .filter((one) => url.startsWith(one.url))
    .toSorted((one, other) => other.url.length - one.url.length);
  const headers = new Headers(request.headers as Record<string, string>);
  const given = service?.standIn({ url, headers, body: await text(request) });
  shown.set(service?.url ?? url, given?.shown ?? null);
  response.writeHead(given?.status ?? 404, given?.headers).end(given?.body);
}

function enter(): ChildProcess {
  const hosts = [...new Set(all.map(([, { url }]) => new URL(url).hostname))];
  const [certFile, keyFile] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  const options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=services";
  const names = ["-addext", `subjectAltName=${hosts.map((host) => `DNS:${host}`).join(",")}`];
  execFileSync("openssl", [...options.split(" "), ...names, "-keyout", keyFile, "-out", certFile], {
    stdio: "ignore",
  });
  const sockets = { services: join(directory, "services.sock"), api: join(directory, "api.sock") };
  const settings = JSON.stringify({ directory, hosts, certFile, keyFile, ...sockets, port });
  return spawn("unshare", [...unshare, process.execPath, "test/flow/namespace/inside.ts", settings], {
    cwd: projectDirectory,
    stdio: ["pipe", "pipe", "inherit"],
  });
}

/** One call of the gateway in the namespace. */
async function call(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status?: number; json: unknown }> {
  const request = httpRequest({
    socketPath: join(directory, "api.sock"),
    method,
    path,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
  });
  request.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return { status: response.statusCode, json: JSON.parse(await text(response)) as unknown };
}

test.runIf(isAllowed)(
  "a failed run appears at every service, under its own host name and over TLS",
  async () => {
    const hooks = new Map<string, string>();
    for (const [name, { url, options }] of all) {
      const { status, json } = await call("POST", "/api/notifications/subscribers/webhooks", {
        url,
        name,
        verify_ssl: true,
        timeout_s: 30,
        subscriptions: [{ event_type: failed }],
        ...(options && { format_options: options }),
      });
      expect(status, name).toBe(201);
      hooks.set(name, (json as { uuid: string }).uuid);
    }
    const job = { uuid: crypto.randomUUID(), name: "Nightly", run: { number: 17 } };
    const event = {
      type: failed,
      project: { uuid: crypto.randomUUID(), name: "Größe <!channel> @everyone", job },
    };
    expect((await call("POST", "/api/events", event)).status).toBe(202);
    for (const [name, { url }] of all) {
      const seen = await eventually(`a message at ${name}`, () => shown.get(url));
      expect(seen.text.replaceAll("\u200B", ""), name).toContain(
        "Nightly failed in Größe <!channel> @everyone",
      );
      expect(seen.pings, name).toEqual([]);
      await eventually(`the delivery of ${name} is recorded`, async () => {
        const { json } = await call(
          "GET",
          `/api/notifications/subscribers/${hooks.get(name) ?? ""}/deliveries`,
        );
        return (json as { deliveries: { status: string }[] }).deliveries[0]?.status === "delivered";
      });
    }
  },
);
