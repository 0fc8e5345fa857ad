import { expect, it } from "vitest";
import { defaultRateLimitOf } from "../../../src/send/message/service-rate-limits";
import { forAll } from "../../for-all";

it("each service has the pace that it documents, and a receiver of one's own has none", () =>
  forAll(
    [
      ["slack", 1],
      ["google_chat", 1],
      ["telegram", 1],
      ["discord", 2.5],
      ["teams", 4],
      ["orchest", null],
      ["template", null],
    ] as const,
    (format, perS) => expect(defaultRateLimitOf(format)).toBe(perS),
  ));
