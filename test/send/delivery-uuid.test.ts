import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deliveryUuid, sequenceOf } from "../../src/send/delivery-uuid";

const webhook = "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";

describe("a delivery's uuid", () => {
  it("is a valid one of version 8 that begins as its webhook's", () => {
    expect(deliveryUuid(webhook, 255)).toBe("0b9a5b8e-3a7e-8b57-9a3f-0000000000ff");
  });

  it("leads back to the sequence, and is different for each", () => {
    const sequence = fc.integer({ min: 1, max: 2 ** 48 - 1 });
    fc.assert(
      fc.property(fc.uuid({ version: 4 }), sequence, (uuid, number) => {
        expect(sequenceOf(uuid, deliveryUuid(uuid, number))).toBe(number);
        expect(sequenceOf(uuid, deliveryUuid(uuid, number).toUpperCase())).toBe(number);
      }),
    );
  });

  it.each([
    ["another webhook's", deliveryUuid("11111111-2222-4333-8444-555555555555", 1)],
    ["the webhook's own", webhook],
    ["sequence 0", deliveryUuid(webhook, 0)],
    ["too long", `${deliveryUuid(webhook, 1)}0`],
    ["too short", deliveryUuid(webhook, 1).slice(0, -1)],
    ["no hex", deliveryUuid(webhook, 1).replace(/1$/, "g")],
    ["empty", ""],
  ])("that is %s is none of this webhook's", (_, uuid) => {
    expect(sequenceOf(webhook, uuid)).toBeNull();
  });
});
