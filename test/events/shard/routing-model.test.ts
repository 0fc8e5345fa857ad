import { describe, expect, it } from "vitest";
import { explore, protocols } from "./routing-model";

describe("announce, commit, answer, apply", () => {
  it.each([
    { writers: 1, publishes: 2, faults: 2 },
    { writers: 2, publishes: 1, faults: 0 },
  ])("every publish sees every change that was answered before it: %o", (size) => {
    const { violation, states } = explore({ protocol: "announce", ...size });
    expect(violation).toBeNull();
    // Else the model would have forgotten how to move.
    expect(states).toBeGreaterThan(10_000);
  });
});

it.each(protocols.filter((protocol) => protocol !== "announce"))(
  "the model finds what is wrong with: %s",
  (protocol) => {
    const size = protocol === "tell after commit" ? { writers: 2, faults: 0 } : { writers: 1, faults: 1 };
    expect(explore({ protocol, publishes: 2, ...size }).violation).not.toBeNull();
  },
);
