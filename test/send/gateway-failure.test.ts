import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { attempt } from "../../src/send/attempt";
import { sendPing } from "../../src/send/ping";
import { receiver } from "../receiver";

const request = {
  url: "https://hooks.example.com/",
  headers: {},
  body: new TextEncoder().encode("body"),
  timeoutMs: 5000,
  verify: true,
};

/** What the platform says of limits of the Worker. */
const limits = [
  "Too many subrequests.",
  "Too many subrequests by single Worker invocation. To configure this limit, refer to https://developers.cloudflare.com/workers/wrangler/configuration/#limits",
  "Subrequest depth limit exceeded. This request recursed through Workers too many times. This can happen e.g. if you have a Worker or Durable Object that calls other Workers or objects recursively.",
  "Worker exceeded CPU time limit.",
  "Worker exceeded memory limit.",
  "Worker exceeded resource limits.",
  "Memory limit exceeded",
  "CPU limit exceeded",
  "Memory limit would be exceeded before EOF.",
  "Cannot perform I/O on behalf of a different request.",
  "The Workers runtime canceled this request because it detected that your Worker's code had hung and would never generate a response.",
];

/** What it says of a receiver. */
const receivers = [
  ["Network connection lost.", "connection"],
  ["internal error; reference = 0123456789abcdef", "connection"],
  ["kj/async-io-unix.c++:186: disconnected: connect(): Connection refused", "connection"],
  ["TLS peer's certificate is not trusted; reason = unable to get local issuer certificate", "tls"],
  ["DNS lookup failed.", "dns"],
] as const;

it.each(limits)("an attempt that fails with “%s” is a failure of ours", async (text) => {
  receiver(() => Promise.reject(new Error(text)));
  await expect(attempt(request)).rejects.toMatchObject({ name: "GatewayFailure", kind: "limit" });
});

it.each(receivers)("an attempt that fails with “%s” is the receiver's: %s", async (text, error) => {
  receiver(() => Promise.reject(new Error(text)));
  expect(await attempt(request)).toMatchObject({ error });
});

it("a ping that meets a limit of ours says so, and nothing of the receiver", async () => {
  receiver(() => Promise.reject(new Error(limits[0])));
  const ping = sendPing({
    env,
    webhook: { uuid: crypto.randomUUID(), name: "Alerts", verifySsl: true, contentType: "application/json" },
    settings: { url: request.url, secret: "secret" },
    rules: {
      allowPrivateTargets: false,
      allowHttpTargets: true,
      gatewayHosts: [],
      orchestUrl: null,
      egresses: [],
    },
  });
  await expect(ping).rejects.toMatchObject({ status: 503, message: expect.stringContaining("too busy") });
});
