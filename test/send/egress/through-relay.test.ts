import { describe, expect, it } from "vitest";
import { attempt } from "../../../src/send/attempt";
import {
  decodeFrame,
  encodeFrame,
  framesType,
  importRelayKeys,
  type RelayAnswer,
  type RelayRequest,
  verifyAdmission,
  admissionHeader,
  withLength,
} from "../../../src/send/egress/protocol";
import { type AskRelay, throughRelay } from "../../../src/send/egress/through-relay";
import { forAll } from "../../for-all";

const secret = "0123456789abcdef0123456789abcdef";
const request = {
  url: "https://hooks.corp.example/path",
  headers: { "X-Orchest-Event": "ping" },
  body: new TextEncoder().encode("body"),
  timeoutMs: 5000,
  verify: false,
};
type Said = DistributiveOmit<RelayAnswer, "nonce"> & { nonce?: string };
type DistributiveOmit<Type, Key extends string> = Type extends unknown ? Omit<Type, Key> : never;

/** A relay that says this, each with its own body, signed with `signedWith`. */
function saying(answers: [said: Said, body?: string][], signedWith = secret): AskRelay {
  return async (frame) => {
    const decoded = await decodeFrame(await importRelayKeys(secret), "request", frame);
    if (decoded === null) throw new Error("The request is not signed.");
    const { nonce } = decoded.head as RelayRequest;
    const keys = await importRelayKeys(signedWith);
    const frames = await Promise.all(
      answers.map(async ([said, body = ""]) =>
        withLength(await encodeFrame(keys, "answer", { nonce, ...said }, new TextEncoder().encode(body))),
      ),
    );
    return new Response(new Blob(frames), { headers: { "Content-Type": framesType } });
  };
}

function send(ask: AskRelay) {
  return attempt(request, throughRelay("corp", { secret, ask, answerBytesMax: 2048 }));
}

const answered: Said = { kind: "answer", status: 201, headers: [["X-One", "1"]] };

describe("through a relay", () => {
  it("the request is what would be sent directly, signed and fresh", async () => {
    let head: unknown;
    let body = "";
    await send(async (frame, { headers, signal }) => {
      const keys = await importRelayKeys(secret);
      const decoded = await decodeFrame(keys, "request", frame);
      head = decoded?.head;
      body = new TextDecoder().decode(decoded?.body);
      const sentAt = await verifyAdmission(keys, headers[admissionHeader] ?? "", frame.length);
      expect(Math.abs(Date.now() - (sentAt ?? 0))).toBeLessThan(60_000);
      return saying([[answered], [{ kind: "end", end: "whole" }]])(frame, { headers, signal });
    });
    expect(head).toMatchObject({
      method: "POST",
      url: request.url,
      headers: [["X-Orchest-Event", "ping"]],
      timeoutMs: 5000,
      verify: false,
      answerBytesMax: 2048,
    });
    expect(body).toBe("body");
  });

  it("the answer is the receiver's, and the log has the egress's name", async () => {
    const result = await send(saying([[answered], [{ kind: "end", end: "whole" }, "done"]]));
    expect(result).toMatchObject({
      egress: "corp",
      status: 201,
      error: null,
      responseHeaders: { "x-one": "1" },
      responseBody: "done",
    });
  });

  it("a status decides, whatever becomes of the body, or of the relay after it", () =>
    forAll<[string, [Said, string?][], string]>(
      [
        [
          "a late body",
          [[answered], [{ kind: "end", end: "late" }, "half"]],
          "[The body did not end in time.]\nhalf",
        ],
        [
          "a broken body",
          [[answered], [{ kind: "end", end: "broken" }, "half"]],
          "[The body broke off.]\nhalf",
        ],
        ["a broken body of nothing", [[answered], [{ kind: "end", end: "broken" }]], "[The body broke off.]"],
        ["a relay that dies", [[answered]], "[The body broke off.]"],
        ["a long body", [[answered], [{ kind: "end", end: "cut" }, "x".repeat(2048)]], "x".repeat(2048)],
        ["no body", [[answered], [{ kind: "end", end: "whole" }]], ""],
      ],
      async (_name, said, responseBody) => {
        expect(await send(saying(said))).toMatchObject({ status: 201, error: null, responseBody });
      },
    ));

  it("a receiver's failure is counted, with what the relay knows of it", async () => {
    const failed: Said = { kind: "receiverFailed", error: "tls", reason: "CERT_HAS_EXPIRED" };
    expect(await send(saying([[failed]]))).toMatchObject({
      egress: "corp",
      status: null,
      error: "tls",
      responseBody: "[The relay says: CERT_HAS_EXPIRED.]",
    });
  });

  it("a failure of the relay's says nothing of the receiver: no attempt is counted", () =>
    forAll<[string, AskRelay, RegExp]>(
      [
        ["busy", saying([[{ kind: "relayFailed", code: "busy", reason: "the relay is busy" }]]), /is busy/],
        ["not there", () => Promise.reject(new Error("Network connection lost.")), /connection to it failed/],
        ["a proxy's page", async () => new Response("<h1>OK</h1>"), /says 200, and is not a relay/],
        ["a proxy's error", async () => new Response("", { status: 522 }), /says 522/],
        ["dead before it answers", saying([]), /ended early/],
        ["signed by somebody else", saying([[answered]], "f".repeat(32)), /not signed/],
        ["an answer to another request", saying([[{ ...answered, nonce: "0".repeat(32) }]]), /not signed/],
        ["out of order", saying([[{ kind: "end", end: "whole" }]]), /out of order/],
        [
          "without end",
          async () =>
            new Response(new Uint8Array([0xff, 0xff, 0xff, 0xff]), {
              headers: { "Content-Type": framesType },
            }),
          /connection to it failed/,
        ],
      ],
      async (_name, ask, message) => {
        await expect(send(ask)).rejects.toMatchObject({
          name: "GatewayFailure",
          kind: "egress",
          message: expect.stringMatching(message) as string,
        });
      },
    ));

  it("statuses that no Response may have are as good as others", async () => {
    const odd: Said = { kind: "answer", status: 999, headers: [] };
    expect(await send(saying([[odd], [{ kind: "end", end: "whole" }]]))).toMatchObject({
      status: 999,
      error: "http_5xx",
    });
  });
});
