/** The two nginx recipes of docs/publishing.md, in a real nginx: Orchest's settings page reaches the gateway through both. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectDirectory } from "../../tools/project-directory.ts";
import { BorrowedGateway } from "./borrowed-gateway.ts";
import type { Webhook } from "./client.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./gateway.ts";
import { Receiver } from "./receiver.ts";

const isHere = spawnSync("nginx", ["-v"]).status === 0;
if (!isHere) console.log("Left out: the nginx recipes, since there is no nginx here.");

const page = "/catch/api-proxy/api/notifications";
/** What a browser on one of Orchest's pages sends along. */
const browser = {
  Origin: "https://orchest.example.com",
  Cookie: "session=orchest",
  "Sec-Fetch-Site": "same-origin",
  "Accept-Encoding": "gzip, deflate, br",
  "Content-Type": "application/json",
};

// In CI nothing is left out.
describe.skipIf(!isHere && !process.env["CI"])("Orchest's settings page behind nginx", () => {
  const ends: (() => unknown)[] = [];
  const urls: Record<string, string> = {};

  beforeAll(async () => {
    const gateway = await BorrowedGateway.borrow();
    ends.push(() => gateway.giveBack());
    const [inFront = "", between = ""] = recipes().map((recipe) => fill(recipe, gateway));
    const [frontPort, betweenPort] = [await freePort(), await freePort()];
    const orchest = createServer((request, response) => {
      passOn(request, response, betweenPort).catch((error: unknown) =>
        response.writeHead(502).end(String(error)),
      );
    }).listen(0, "127.0.0.1");
    await once(orchest, "listening");
    ends.push(() => orchest.close());
    const orchestUrl = `http://127.0.0.1:${(orchest.address() as AddressInfo).port}`;
    await startNginx([
      server(frontPort, `${inFront} location / { proxy_pass ${orchestUrl}; }`),
      server(betweenPort, between),
    ]);
    urls["in front of Orchest"] = `http://127.0.0.1:${frontPort}`;
    urls["between its web server and its API"] = orchestUrl;
    // Refused, until it listens.
    await eventually("nginx serves", () =>
      ask(urls["in front of Orchest"], "GET", "/").then(
        ([status]) => status === 404,
        () => false,
      ),
    );
  });
  afterAll(async () => {
    for (const end of ends.toReversed()) await end();
  });

  test.each(["in front of Orchest", "between its web server and its API"])(
    "%s tests, creates, lists, switches, tests and deletes a webhook",
    async (place) => {
      const url = urls[place];
      const receiver = await Receiver.start();
      const spec = { url: receiver.url, name: "Team channel", verify_ssl: false, secret: "" };
      const eventType = "project:one-off-job:pipeline-run:failed";
      const subscriptions = [{ event_type: eventType }];

      expect(await ask(url, "GET", `${page}/subscribable-events`)).toMatchObject([200, { events: {} }]);
      const preCreation = `${page}/subscribers/webhooks/pre-creation-test-ping-delivery`;
      expect(await ask(url, "POST", preCreation, spec)).toEqual([200, { message: "success" }]);
      const [status, created] = await ask(url, "POST", `${page}/subscribers/webhooks`, spec);
      const { uuid } = created as Webhook;
      expect({ status, created }).toMatchObject({ status: 201, created: { name: "Team channel" } });

      const update = await ask(url, "PUT", `${page}/subscribers/webhooks/${uuid}`, { subscriptions });
      expect(update).toEqual([200, { message: `Webhook ${uuid} has been updated.` }]);
      const subscribed = `${page}/subscribers/subscribed-to/${encodeURIComponent(eventType)}?project_uuid=&job_uuid=`;
      for (const list of [`${page}/subscribers`, subscribed]) {
        expect(await ask(url, "GET", list)).toMatchObject([200, { subscribers: [{ uuid }] }]);
      }
      const ping = `${page}/subscribers/test-ping-delivery/${uuid}`;
      expect(await ask(url, "GET", ping)).toEqual([200, { message: "success" }]);
      expect(receiver.arrivals).toHaveLength(2);

      expect(await ask(url, "DELETE", `${page}/subscribers/${uuid}`)).toEqual([201, { message: "" }]);
      expect(await ask(url, "GET", `${page}/subscribers/${uuid}`)).toMatchObject([404, {}]);
      expect(await ask(url, "GET", "/catch/api-proxy/api/jobs")).toEqual([404, { message: "Orchest" }]);
    },
  );

  async function startNginx(servers: string[]): Promise<void> {
    const directory = mkdtempSync(join(tmpdir(), "nginx-"));
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    writeFileSync(
      join(directory, "nginx.conf"),
      `daemon off; master_process off; pid nginx.pid; error_log stderr; events {}
      http { access_log off; ${temporary.map((name) => `${name}_temp_path ${name};`).join(" ")} ${servers.join("\n")} }`,
    );
    const nginx = spawn("nginx", ["-p", directory, "-c", join(directory, "nginx.conf"), "-e", "stderr"], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    ends.push(async () => {
      const ended = once(nginx, "exit");
      if (nginx.kill()) await ended;
      rmSync(directory, { recursive: true });
    });
    await once(nginx, "spawn");
  }
});

function recipes(): string[] {
  const text = readFileSync(join(projectDirectory, "docs/publishing.md"), "utf8");
  return [...text.matchAll(/```nginx\n(.*?)```/gs)].map(([, recipe = ""]) => recipe);
}

/** @returns the recipe for a gateway, which has no certificate here. */
function fill(recipe: string, { url, token }: BorrowedGateway): string {
  return recipe
    .replaceAll("https://<gateway>", url)
    .replaceAll("<gateway>", new URL(url).host)
    .replaceAll("<token>", token);
}

function server(port: number, locations: string): string {
  return `server { listen 127.0.0.1:${port}; ${locations} }`;
}

/**
 * Orchest's web server: passes a call of its pages on to its API, where nginx is, and the answer back with its headers and a
 * body that it has decoded.
 */
async function passOn(request: IncomingMessage, response: ServerResponse, apiPort: number): Promise<void> {
  const path = request.url?.replace(/^\/catch\/api-proxy/, "") ?? "";
  if (!path.startsWith("/api/notifications/")) {
    response.writeHead(404, { "Content-Type": "application/json" }).end('{"message":"Orchest"}');
    return;
  }
  const body = await buffer(request);
  const { host: _, connection: __, "content-length": ___, ...headers } = request.headers;
  const answer = await fetch(`http://127.0.0.1:${apiPort}${path}`, {
    method: request.method ?? "",
    headers: headers as Record<string, string>,
    ...(body.length > 0 && { body: new Uint8Array(body) }),
  });
  const decoded = Buffer.from(await answer.arrayBuffer());
  const own = new Set(["content-length", "transfer-encoding", "connection"]);
  response
    .writeHead(answer.status, Object.fromEntries([...answer.headers].filter(([name]) => !own.has(name))))
    .end(decoded);
}

/** @returns status and body of an answer. */
async function ask(
  url: string | undefined,
  method: string,
  path: string,
  body?: unknown,
): Promise<[number, unknown]> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: browser,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return [response.status, await response.json()];
}
