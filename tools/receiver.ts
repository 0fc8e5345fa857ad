/** `npm run receiver`: an example receiver, which verifies the signature of each delivery and prints a line for it. */
import { execFileSync } from "node:child_process";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { setTimeout as wait } from "node:timers/promises";
import { fail, messageOf, readOptions, wholeNumber } from "./command-line.ts";
import { watchNpm } from "./parent-watch.ts";
import { verifySignature } from "./verify-signature.ts";

const usage = `An example receiver for deliveries of the gateway.

  npm run receiver -- [options]

  --port 9000       the port to listen on, at 127.0.0.1
  --secret TEXT     the webhook's secret, to verify signatures with
  --status 200      the HTTP status of every response (200 to 599)
  --delay 0         how many milliseconds to wait before each response
  --self-signed     serve https://localhost with a certificate that openssl makes now and nobody else has signed
  --help            this text`;

type Settings = {
  port: number;
  secret: string | undefined;
  status: number;
  delayMs: number;
  isSelfSigned: boolean;
};

const settings = readSettings();
const onRequest = (request: IncomingMessage, response: ServerResponse) => {
  receive(request, response).catch((error: unknown) => {
    console.error(`A request was aborted: ${messageOf(error)}`);
  });
};
const server = settings.isSelfSigned
  ? createSecureServer(selfSignedCertificate(), onRequest)
  : createServer(onRequest);
server.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EADDRINUSE") throw error;
  fail(`Port ${settings.port} is in use: choose another one with --port.`, 1);
});
server.listen(settings.port, "127.0.0.1", () => {
  const origin = settings.isSelfSigned ? "https://localhost" : "http://127.0.0.1";
  console.log(`Receiving on ${origin}:${settings.port}, answering ${settings.status}.`);
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(0));
watchNpm(() => process.exit(0));

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request);
  console.log(describeDelivery(request, body));
  await wait(settings.delayMs);
  response.writeHead(settings.status).end();
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** @returns the line of a delivery. Test pings have no sequence and no attempt number. */
function describeDelivery(request: IncomingMessage, body: Buffer): string {
  const header = (name: string) => request.headers[name]?.toString();
  const signature = describeSignature(body, header("x-hub-signature"));
  return [
    `#${header("x-orchest-sequence") ?? "-"}`,
    header("x-orchest-event") ?? "-",
    `delivery ${header("x-orchest-delivery") ?? "-"}`,
    `attempt ${header("x-orchest-attempt") ?? "-"}`,
    `signature ${signature}`,
  ].join("  ");
}

function describeSignature(body: Buffer, signature: string | undefined): string {
  const { secret } = settings;
  if (secret === undefined) return "not checked";
  return verifySignature({ secret, body, signature }) ? "right" : "WRONG";
}

/** Makes a certificate for `localhost` that is kept nowhere. Exits with a sentence where openssl is missing. */
function selfSignedCertificate(): { key: string; cert: string } {
  const options =
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -keyout - -out -";
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  try {
    const stdio = ["ignore", "pipe", "ignore"] as const;
    const pem = execFileSync("openssl", [...options.split(" "), ...subject], {
      stdio: [...stdio],
      encoding: "utf8",
    });
    // Both are in it, and Node takes from it what it looks for.
    return { key: pem, cert: pem };
  } catch (error) {
    return fail(`--self-signed needs openssl on the PATH: ${messageOf(error)}`, 1);
  }
}

function readSettings(): Settings {
  const options = readOptions(usage, {
    port: { type: "string", default: "9000" },
    secret: { type: "string" },
    status: { type: "string", default: "200" },
    delay: { type: "string", default: "0" },
    "self-signed": { type: "boolean", default: false },
  });
  if (options.secret === "") fail("--secret must not be empty.", 2);
  return {
    port: wholeNumber("--port", options.port, { min: 1, max: 65_535 }),
    secret: options.secret,
    status: wholeNumber("--status", options.status, { min: 200, max: 599 }),
    delayMs: wholeNumber("--delay", options.delay, { min: 0, max: 3_600_000 }),
    isSelfSigned: options["self-signed"],
  };
}
