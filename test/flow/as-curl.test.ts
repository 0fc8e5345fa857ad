/** "As a curl command": what the page of a delivery gives to copy, run in a shell against a real receiver. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { beforeAll, describe, expect, test } from "vitest";
import { BorrowedGateway } from "./borrowed-gateway.ts";
import { createWebhook, makeEvent, publish, type Webhook } from "./client.ts";
import { eventually } from "./eventually.ts";
import type { GatewayAddress } from "./gateway.ts";
import { hubSignature, Receiver } from "./receiver.ts";

const type = "project:created";
const secret = "sécret";
const sent = [
  "content-type",
  "user-agent",
  "x-orchest-event",
  "x-orchest-delivery",
  "x-orchest-sequence",
  "x-orchest-attempt",
  "x-hub-signature",
  "webhook-id",
  "webhook-timestamp",
  "webhook-signature",
];

describe("the curl command of a delivery", () => {
  let gateway: BorrowedGateway;
  let cookie: string;
  beforeAll(async () => {
    gateway = await BorrowedGateway.borrow();
    cookie = await signIn(gateway);
    return () => gateway.giveBack();
  });

  test.for([["application/json"], ["application/x-www-form-urlencoded"]])(
    "sends the same bytes, headers and signature as the delivery, in %s",
    async ([contentType = ""]) => {
      const receiver = await Receiver.start();
      const url = `${receiver.url}/hook?a=b&c=d`;
      const webhook = await createWebhook(gateway, {
        url,
        secret,
        content_type: contentType,
        eventTypes: [type],
      });
      await publish(gateway, { ...makeEvent(type), text: oddText });
      const delivery = await eventually("the delivery arrives", () => receiver.arrivals[0]);

      const command = await commandOf(webhook, String(delivery.headers["x-orchest-delivery"]));
      await runInShell(command, { URL: url });
      const again = await eventually("curl's request arrives", () => receiver.arrivals[1]);
      expect(again.method).toBe("POST");
      expect(again.path).toBe(delivery.path);
      expect(again.body.equals(delivery.body)).toBe(true);
      expect(again.headers["x-hub-signature"]).toBe(hubSignature(secret, again.body));
      expect(Object.keys(delivery.headers)).toEqual(expect.arrayContaining(sent));
      for (const name of sent) expect(again.headers[name]).toBe(delivery.headers[name]);
    },
  );

  test("takes hidden headers and a body beyond a program's argument", async () => {
    const receiver = await Receiver.start();
    const webhook = await createWebhook(gateway, {
      url: receiver.url,
      secret,
      headers: { "X-Api-Key": "hidden-value" },
      eventTypes: [type],
    });
    // Percent-encoded or not: with its envelope it is beyond 128 KiB, the most that Linux takes as one argument.
    await publish(gateway, { ...makeEvent(type), text: "ü'".repeat(30_000) });
    const delivery = await eventually("the delivery arrives", () => receiver.arrivals[0]);
    const command = await commandOf(webhook, String(delivery.headers["x-orchest-delivery"]));
    expect(command).not.toContain("hidden-value");
    await runInShell(command, { URL: receiver.url, HEADER_X_API_KEY: "hidden-value" });
    const again = await eventually("curl's request arrives", () => receiver.arrivals[1]);
    expect(again.body.equals(delivery.body)).toBe(true);
    expect(again.headers["x-api-key"]).toBe("hidden-value");
  });

  async function commandOf(webhook: Webhook, delivery: string): Promise<string> {
    const path = `/webhooks/${webhook.uuid}/deliveries/${delivery}`;
    const read = async () => {
      const html = await (await fetch(gateway.url + path, { headers: { Cookie: cookie } })).text();
      return /<pre id="curl-command"[^>]*>([\s\S]*?)<\/pre>/.exec(html)?.[1];
    };
    return unescaped(await eventually("the page has the command", read));
  }
});

const oddText = `it's "$HOME" \`id\` $(id) \\ ! %s %% & < > ü 🔑 @file \n`;

/** The command comes in as if it were typed: it may be longer than an argument. Fails with what is printed. */
async function runInShell(command: string, variables: Record<string, string>): Promise<void> {
  const shell = spawn("sh", { env: { ...process.env, ...variables } });
  let printed = "";
  shell.stderr.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  shell.stdin.end(`${command}\n`);
  const [code] = (await once(shell, "close")) as [number | null];
  if (code !== 0) throw new Error(`The command ended with ${code}: ${printed}`);
}

function unescaped(html: string): string {
  const characters: Record<string, string> = { lt: "<", gt: ">", quot: '"', "#39": "'", amp: "&" };
  return html.replaceAll(/&([a-z]+|#39);/g, (_, name: string) => characters[name] ?? "");
}

async function signIn({ url, token }: GatewayAddress): Promise<string> {
  const { headers } = await fetch(`${url}/sign-in`, {
    method: "POST",
    headers: { Origin: url },
    body: new URLSearchParams({ token }),
    redirect: "manual",
  });
  return headers.getSetCookie()[0]?.split(";")[0] ?? "";
}
