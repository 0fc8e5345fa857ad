import { beforeEach, describe, expect, it, vi } from "vitest";
import { attempt, type AttemptResult } from "../../src/send/attempt";
import { passTime, stopClock } from "../clock";
import { forAll } from "../for-all";
import { hanging, receiver } from "../receiver";

const timeoutMs = 5000;
const request = {
  url: "https://hooks.example.com/",
  headers: { "X-Orchest-Event": "project:created" },
  body: new TextEncoder().encode("body"),
  timeoutMs,
  verify: true,
};

function send(): Promise<AttemptResult> {
  return attempt(request);
}

/** Makes an attempt and lets its time run out. @returns what it was a moment before, and what came of it. */
async function runOut(): Promise<{ before: string; result: AttemptResult }> {
  let state = "waiting";
  const ended = send().finally(() => (state = "ended"));
  await vi.advanceTimersByTimeAsync(timeoutMs - 1);
  const before = state;
  await vi.advanceTimersByTimeAsync(1);
  return { before, result: await ended };
}

describe("a receiver that takes too long", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] }));

  it("to answer is a time-out, at its time and not before", async () => {
    const { received } = receiver(hanging);
    const { before, result } = await runOut();
    expect(before).toBe("waiting");
    expect(result).toMatchObject({ status: null, error: "timeout", durationMs: timeoutMs, responseBody: "" });
    expect(received[0]?.signal.aborted).toBe(true);
  });

  it("to finish its body has answered: its status decides, and what came of the body is kept", () =>
    forAll(
      [
        [200, null],
        [404, "http_4xx"],
        [302, "redirect"],
        [503, "http_5xx"],
      ],
      async (status, error) => {
        receiver(({ signal }) => {
          const body = new ReadableStream({
            start(controller) {
              controller.enqueue(new TextEncoder().encode("begun"));
              signal.addEventListener("abort", () =>
                controller.error(new DOMException("Aborted", "AbortError")),
              );
            },
          });
          return new Response(body, { status });
        });
        const { before, result } = await runOut();
        expect(before).toBe("waiting");
        expect(result).toMatchObject({
          status,
          error,
          durationMs: timeoutMs,
          responseBody: "[The body did not end in time.]\nbegun",
        });
      },
    ));

  it("leaves no timer behind when it answers in time and nothing more is sent", async () => {
    receiver();
    await send();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("what is kept of an answer", () => {
  it("is its status, its headers and its body", async () => {
    receiver(() => new Response("thank you", { status: 201, headers: { "X-Request-Id": "7" } }));
    const result = await send();
    expect(result).toMatchObject({ status: 201, error: null, responseBody: "thank you" });
    expect(result.responseHeaders).toMatchObject({ "x-request-id": "7" });
  });

  it("is 2 KiB of its body, and the rest is never read", async () => {
    let chunks = 0;
    let cancelled = false;
    const body = new ReadableStream({
      pull(controller) {
        chunks += 1;
        controller.enqueue(new TextEncoder().encode("x".repeat(1000)));
      },
      cancel() {
        cancelled = true;
      },
    });
    receiver(() => new Response(body));
    const result = await send();
    expect(result.responseBody).toBe("x".repeat(2048));
    expect(result.error).toBeNull();
    expect(cancelled).toBe(true);
    expect(chunks).toBeLessThan(10);
  });

  it("is what came of a body that broke off, after a line that says so", async () => {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode("half")),
      pull: (controller) => controller.error(new Error("Network connection lost.")),
    });
    receiver(() => new Response(body, { status: 202 }));
    expect(await send()).toMatchObject({
      status: 202,
      error: null,
      responseBody: "[The body broke off.]\nhalf",
    });
  });

  it("is 2 KiB of its body, whatever the headers say of its length", () =>
    forAll(["10", "0", "2048", "100000", "99999999999", "-1", "ten"], async (length) => {
      receiver(() => new Response("x".repeat(10_000), { headers: { "Content-Length": length } }));
      expect((await send()).responseBody).toBe("x".repeat(2048));
    }));

  it("is its body decompressed, as far as it can be", async () => {
    const gzipped = await compress("gzip", "thank you");
    const unreadable = "[The body could not be read: it is not valid gzip.]";
    const unknown = "[The body could not be read: its content coding is not known here.]";
    await forAll(
      [
        ["gzip", gzipped, "thank you"],
        ["X-GZIP", gzipped, "thank you"],
        ["deflate", await compress("deflate", "thank you"), "thank you"],
        ["gzip", await compress("gzip", "x".repeat(1_000_000)), "x".repeat(2048)],
        ["gzip", new Uint8Array(), unreadable],
        ["gzip", new TextEncoder().encode("plain"), unreadable],
        ["gzip", gzipped.subarray(0, -4), `${unreadable}\nthank you`],
        ["br", new Uint8Array([0x8b, 0x04, 0x80, 0xff, 0x03]), unknown],
        ["utf-8", new TextEncoder().encode("thank you"), "thank you"],
        ["identity", new TextEncoder().encode("thank you"), "thank you"],
      ] as const,
      async (coding, body, kept) => {
        receiver(() => encoded(coding, body));
        expect(await send()).toMatchObject({ status: 200, error: null, responseBody: kept });
      },
    );
  });

  it("has no half character at the cut", async () => {
    receiver(() => new Response("語".repeat(1000)));
    const { responseBody } = await send();
    expect(responseBody).toBe("語".repeat(682));
  });

  it("may be bytes that are no text", async () => {
    receiver(() => new Response(new Uint8Array([0xff, 0xfe, 0x00])));
    expect((await send()).responseBody).toBe("\ufffd\ufffd\0");
  });

  it("says how long nothing is to be sent, also behind more headers than are kept", () =>
    forAll(
      [
        [503, 30_000],
        [429, 30_000],
        [404, 30_000],
        [302, 30_000],
        [200, null],
      ],
      async (status, retryAfterMs) => {
        const headers = { "Content-Security-Policy": "x".repeat(5000), "Retry-After": "30" };
        receiver(() => new Response("", { status, headers }));
        expect(await send()).toMatchObject({ status, retryAfterMs });
      },
    ));

  it("is bounded for its headers, too", async () => {
    const headers = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`x-${n}`, "v".repeat(500)]));
    receiver(() => new Response("", { headers }));
    const kept = JSON.stringify((await send()).responseHeaders);
    expect(kept.length).toBeLessThan(6000);
  });

  it("is nothing when none came", async () => {
    receiver(() => Promise.reject(new Error("Network connection lost.")));
    expect(await send()).toMatchObject({
      status: null,
      error: "connection",
      responseHeaders: {},
      responseBody: "",
    });
  });
});

describe("a connection that breaks before an answer", () => {
  beforeEach(stopClock);

  it("is no failure when it was kept from an earlier answer: the request goes again, over another one", async () => {
    const { received } = receiver((_, index) => (index === 1 ? lost() : new Response()));
    await send();
    expect(await send()).toMatchObject({ status: 200, error: null });
    expect(received).toHaveLength(3);
  });

  it("is one, at the second request, when the receiver does it", async () => {
    const { received } = receiver((_, index) => (index === 0 ? new Response() : lost()));
    await send();
    expect(await send()).toMatchObject({ status: null, error: "connection" });
    expect(received).toHaveLength(3);
    expect(await send()).toMatchObject({ status: null, error: "connection" });
    expect(received).toHaveLength(4);
  });

  it("is one when there was no earlier answer, or a long time ago", async () => {
    const { received } = receiver((_, index) => (index === 1 ? new Response() : lost()));
    expect(await send()).toMatchObject({ error: "connection" });
    await send();
    passTime(5001);
    expect(await send()).toMatchObject({ error: "connection" });
    expect(received).toHaveLength(3);
  });
});

function lost(): Promise<never> {
  return Promise.reject(new Error("Network connection lost."));
}

async function compress(format: "gzip" | "deflate", text: string): Promise<Uint8Array> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream(format));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** An answer as it comes when the runtime is asked not to decompress it. */
function encoded(coding: string, body: Uint8Array): Response {
  return new Response(body, { headers: { "Content-Encoding": coding }, encodeBody: "manual" });
}
