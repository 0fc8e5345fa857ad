/** Answers that are broken, or have no end, written by raw sockets: to deliveries and to test pings. */
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { BorrowedGateway } from "./borrowed-gateway.ts";
import { call, createWebhook, makeEvent, publish, type Webhook, webhookPath } from "./client.ts";
import { eventually } from "./eventually.ts";
import { chunk, type RawAnswer, RawReceiver } from "./raw-receiver.ts";

const type = "project:created";
const kilobytes64 = "x".repeat(65_536);
const gzipHeader = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
/** An empty block of the deflate format: it decompresses to nothing. */
const emptyBlock = [0, 0, 0, 0xff, 0xff];
const chunked = "Transfer-Encoding: chunked\r\n\r\n";
const notGzip = "[The body could not be read: it is not valid gzip.]";
const brokenOff = "[The body broke off.]";
const tooLate = "[The body did not end in time.]";

/** Broken from the body on. What the log keeps: the status, the class of the failure or null, and the body. */
type Broken = RawAnswer & { status: number; error?: string; body: string };
const broken: Record<string, Broken> = {
  gzipOfNothing: {
    head: "HTTP/1.1 202 Accepted\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
    status: 202,
    body: notGzip,
  },
  noGzip: {
    head: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
    status: 200,
    body: notGzip,
  },
  goodGzip: {
    head: Buffer.concat([bytes(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n`), gzipSync("thank you")]),
    next: "close",
    status: 200,
    body: "thank you",
  },
  noBrotli: {
    head: "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc",
    status: 200,
    body: "abc",
  },
  noContent: { head: "HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n", status: 204, body: "" },
  cut: {
    head: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
    next: "close",
    status: 200,
    body: `${brokenOff}\nabc`,
  },
  reset: {
    head: "HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\nabc",
    next: "reset",
    status: 201,
    body: `${brokenOff}\nabc`,
  },
  hanging: {
    head: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
    status: 200,
    body: `${tooLate}\nabc`,
  },
  hangingAtOnce: { head: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", status: 200, body: tooLate },
  badChunk: {
    head: `HTTP/1.1 200 OK\r\n${chunked}3\r\nabc\r\nzz\r\n`,
    status: 200,
    body: `${brokenOff}\nabc`,
  },
  badFirstChunk: { head: `HTTP/1.1 200 OK\r\n${chunked}zz\r\n`, status: 200, body: brokenOff },
  badCharset: {
    head: Buffer.concat([
      bytes("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=klingon\r\nContent-Length: 2\r\n\r\n"),
      Buffer.from([0xff, 0xfe]),
    ]),
    status: 200,
    body: "\ufffd\ufffd",
  },
  cutFailure: {
    head: "HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\nabc",
    next: "close",
    status: 503,
    error: "http_5xx",
    body: `${brokenOff}\nabc`,
  },
  hangingFailure: {
    head: "HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\nabc",
    status: 404,
    error: "http_4xx",
    body: `${tooLate}\nabc`,
  },
  brokenRedirect: {
    head: "HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
    status: 302,
    error: "redirect",
    body: notGzip,
  },
};

/** Without end, each in another way. Where the head ends before that, the status decides. */
const endless: Record<string, RawAnswer & { error: string | null }> = {
  bothLengths: answer(`200 OK\r\nContent-Length: 10\r\n${chunked}`, chunk(kilobytes64)),
  smallChunks: answer(`200 OK\r\n${chunked}`, "1\r\nx\r\n".repeat(10_000)),
  untilClose: answer("200 OK\r\n\r\n", kilobytes64),
  promised: answer("200 OK\r\nContent-Length: 100000000000\r\n\r\n", kilobytes64),
  chunkExtension: answer(`200 OK\r\n${chunked}5;a=`, kilobytes64),
  trailers: answer(`200 OK\r\n${chunked}0\r\n`, `X-Trailer: ${"x".repeat(1000)}\r\n`),
  noContent: answer(`204 No Content\r\n${chunked}`, chunk(kilobytes64)),
  redirect: answer(`302 Found\r\nLocation: /\r\n${chunked}`, chunk(kilobytes64), "redirect"),
  notFound: answer(`404 Not Found\r\n${chunked}`, chunk(kilobytes64), "http_4xx"),
  gzipBomb: answer(
    `200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n${chunked}`,
    chunk(gzipSync(Buffer.alloc(50_000_000))),
  ),
  gzipOfNothing: answer(
    Buffer.concat([bytes("200 OK\r\nContent-Encoding: gzip\r\n\r\n"), Buffer.from(gzipHeader)]),
    Buffer.from(Array.from({ length: 10_000 }, () => emptyBlock).flat()),
  ),
  headers: answer("200 OK\r\n", `X-Header: ${"x".repeat(1000)}\r\n`, "connection"),
  header: answer("200 OK\r\nX-Header: ", kilobytes64, "connection"),
};

/** Buffers of the two sockets take some megabytes before anybody reads. */
const takenBytesMax = 16_000_000;
const residentGrowthMax = 150_000_000;
const closingCount = 200;
/** Long enough for a head to arrive on a busy machine. */
const hangingTimeoutS = 8;

describe("a receiver whose answer", () => {
  let gateway: BorrowedGateway;
  beforeAll(async () => {
    gateway = await BorrowedGateway.borrow();
    return () => gateway.giveBack();
  });

  test("is broken behind its head is judged by its status, and the log keeps what came", async () => {
    const receiver = await RawReceiver.start(broken);
    const webhooks = await listen(receiver, Object.keys(broken));
    await publish(gateway, makeEvent(type));

    for (const [name, { status, error = null, body }] of Object.entries(broken)) {
      const delivery = await attempted(webhooks[name]);
      // What failed may have been tried again meanwhile.
      const attempts = error === null ? delivery.attempts : delivery.attempts.slice(0, 1);
      expect({ name, ...delivery, attempts }).toMatchObject({
        name,
        status: error === null ? "delivered" : "failed",
        attempts: [{ number: 1, status, error, response_body: body }],
      });
    }
    const pings = await ping(webhooks);
    expect(pings).toEqual(
      Object.fromEntries(
        Object.entries(broken).map(([name, { error }]) => [
          name,
          error === undefined ? "success" : "failure",
        ]),
      ),
    );
  });

  test("has no end is read up to a bound, and its connection is closed", async ({ skip }) => {
    const receiver = await RawReceiver.start(endless);
    const webhooks = await listen(receiver, Object.keys(endless));
    const residentBefore = process.platform === "linux" ? gateway.residentBytes() : null;
    await publish(gateway, makeEvent(type));

    for (const [name, { error }] of Object.entries(endless)) {
      const delivery = await attempted(webhooks[name]);
      expect({ name, error: delivery.attempts[0]?.error }).toEqual({ name, error });
    }
    await ping(webhooks);
    for (const name of Object.keys(endless)) {
      // The runtime takes a 204 for complete and keeps its connection for the next request, without reading on.
      if (name !== "noContent") await eventually(`${name} is left`, () => receiver.isLeft(name));
      const isBounded = receiver.mostBytesTaken(name) < takenBytesMax;
      expect({ name, isBounded }).toEqual({ name, isBounded: true });
    }
    if (residentBefore === null) return skip("the memory of other processes is looked up in Linux's /proc");
    expect(gateway.residentBytes() - residentBefore).toBeLessThan(residentGrowthMax);
  });

  test.each(["strict", "none"])(
    "is 204 and a closed connection, each time, gets every delivery in one attempt: %s",
    async (ordering) => {
      const receiver = await RawReceiver.start({
        closing: { head: "HTTP/1.1 204 No Content\r\n\r\n", next: "close" },
      });
      const { closing } = await listen(receiver, ["closing"], { ordering, timeout_s: 30 });
      for (let left = closingCount; left > 0; left -= 100) {
        await publish(
          gateway,
          Array.from({ length: 100 }, () => makeEvent(type)),
        );
      }
      const stats = await eventually("all are delivered", async () => {
        const { json } = await call(gateway, "GET", webhookPath(closing as Webhook, "/stats"));
        const found = json as Stats;
        return found.counts.delivered === closingCount ? found : null;
      });
      expect(stats).toMatchObject({
        counts: { pending: 0, failed: 0, dead: 0 },
        last_hour: { attempts: closingCount, success_rate: 1 },
      });
    },
  );

  /** A webhook for each path, which goes with its test. Some answers end by time alone. */
  async function listen(
    receiver: RawReceiver,
    paths: string[],
    settings: { ordering?: string; timeout_s?: number } = {},
  ): Promise<Record<string, Webhook>> {
    const webhooks: Record<string, Webhook> = {};
    for (const path of paths) {
      const timeout_s = path.startsWith("hanging") ? hangingTimeoutS : 30;
      const spec = { url: receiver.url(path), timeout_s, eventTypes: [type], ...settings };
      webhooks[path] = await createWebhook(gateway, spec);
    }
    onTestFinished(async () => {
      for (const webhook of Object.values(webhooks)) await call(gateway, "DELETE", webhookPath(webhook));
    });
    return webhooks;
  }

  /** The only delivery in full, as soon as its first attempt has ended. */
  async function attempted(webhook: Webhook | undefined): Promise<Delivery> {
    const path = (rest: string) => webhookPath(webhook as Webhook, `/deliveries${rest}`);
    const { uuid } = await eventually("an attempt has ended", async () => {
      const { json } = await call(gateway, "GET", path(""));
      return (json as { deliveries: Delivery[] }).deliveries.find(({ attempts_made }) => attempts_made > 0);
    });
    return (await call(gateway, "GET", path(`/${uuid}`))).json as Delivery;
  }

  /** @returns what a test ping of each comes to. */
  async function ping(webhooks: Record<string, Webhook>): Promise<Record<string, string>> {
    const answers = Object.entries(webhooks).map(async ([name, { uuid }]) => {
      const path = `/api/notifications/subscribers/test-ping-delivery/${uuid}`;
      const { json } = await call(gateway, "GET", path);
      return [name, (json as { message: string }).message] as const;
    });
    return Object.fromEntries(await Promise.all(answers));
  }
});

type Delivery = { uuid: string; attempts_made: number; attempts: { error: string | null }[] };
type Stats = { counts: { delivered: number } };

function bytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** An answer that begins so, from its status on, and gets more for ever. */
function answer(head: string | Buffer, more: string | Buffer, error: string | null = null) {
  return { head: Buffer.concat([bytes("HTTP/1.1 "), Buffer.from(head)]), next: { endless: more }, error };
}
