import { expect, test } from "vitest";
import { verifySignature } from "../../tools/verify-signature.ts";
import vectors from "../vectors.json" with { type: "json" };
import { hubSignature } from "./receiver.ts";

test.for(vectors.hmacHex)(
  "the published vector %$ is what Node's crypto makes and the example receiver accepts",
  (vector) => {
    expect(hubSignature(vector.secret, vector.body)).toBe(vector.digest);
    expect(verifySignature(delivery(vector))).toBe(true);
  },
);

test.for([
  { reason: "another body", change: { body: Buffer.from("Hello, World?") } },
  { reason: "another secret", change: { secret: "It's no secret" } },
  { reason: "no signature", change: { signature: undefined } },
  { reason: "a signature that is too short", change: { signature: "75" } },
  { reason: "a signature in capitals", change: { signature: vectors.hmacHex[0]?.digest.toUpperCase() } },
])("the example receiver refuses $reason", ({ change }) => {
  const [vector] = vectors.hmacHex;
  expect(vector).toBeDefined();
  if (vector === undefined) return;
  expect(verifySignature({ ...delivery(vector), ...change })).toBe(false);
});

function delivery(vector: { secret: string; body: string; digest: string }) {
  return { secret: vector.secret, body: Buffer.from(vector.body), signature: vector.digest };
}
