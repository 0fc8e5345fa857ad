import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  countersChange,
  type DeliveryState,
  deliveryStatus,
  type DeliveryStatus,
  isWaiting,
  type Outcome,
  transition,
} from "../../src/lane/delivery-state";

type Name = keyof typeof deliveryStatus;

const names = Object.keys(deliveryStatus) as Name[];
const nameOf = (status: DeliveryStatus): Name | undefined =>
  names.find((name) => deliveryStatus[name] === status);

const decisions = [
  { kind: "delivered" },
  { kind: "retry", at: 7000 },
  { kind: "dead", at: 7000 },
  { kind: "disable", reason: "Gone." },
] as const;

/** Rows: what the delivery is. Columns: what comes of an attempt. Cells: what it is then, and its retry time. */
const table: Record<"live" | "again", Record<Name, [string, string, string, string]>> = {
  live: {
    pending: ["delivered -", "pending 7000", "dead -", "pending -"],
    // Given up meanwhile: only a success changes that. A retry time is that of its redelivery.
    dead: ["delivered 5000", "dead 5000", "dead 5000", "dead 5000"],
    // Redelivered meanwhile, with success.
    delivered: ["delivered 5000", "delivered 5000", "delivered 5000", "delivered 5000"],
    replaying: ["delivered -", "replaying 7000", "dead -", "replaying -"],
  },
  again: {
    pending: ["delivered -", "pending 7000", "dead -", "pending -"],
    dead: ["delivered -", "dead 7000", "dead -", "dead -"],
    delivered: ["delivered -", "delivered 7000", "delivered -", "delivered -"],
    replaying: ["delivered -", "replaying 7000", "dead -", "replaying -"],
  },
};

describe("a delivery's state", () => {
  it("after every attempt of every queue, whatever it was, is the one in the table", () => {
    for (const queue of ["live", "again"] as const) {
      for (const name of names) {
        const state = { status: deliveryStatus[name], nextAttemptAt: 5000 };
        const found = decisions.map((decision) => {
          const after = transition(state, { kind: "attempt", queue, decision });
          return `${nameOf(after.status)} ${after.nextAttemptAt ?? "-"}`;
        });
        expect(found, `${queue}, ${name}`).toEqual(table[queue][name]);
      }
    }
  });

  it("after an attempt of another one that carried it waits on, or is what that one is", () => {
    const carried = names.map((name) =>
      decisions.map((decision) => {
        const state = { status: deliveryStatus[name], nextAttemptAt: null };
        return nameOf(transition(state, { kind: "carried", decision }).status);
      }),
    );
    expect(Object.fromEntries(names.map((name, place) => [name, carried[place]]))).toEqual({
      pending: ["delivered", "pending", "dead", "pending"],
      delivered: ["delivered", "delivered", "delivered", "delivered"],
      // Given up while the message was under way.
      dead: ["delivered", "dead", "dead", "dead"],
      replaying: ["delivered", "replaying", "dead", "replaying"],
    });
  });

  it("after it was skipped is dead if it waited, and else what it was", () => {
    const skipped = names.map((name) => {
      const after = transition({ status: deliveryStatus[name], nextAttemptAt: 5000 }, { kind: "skip" });
      return [name, nameOf(after.status), after.nextAttemptAt];
    });
    expect(skipped).toEqual([
      ["pending", "dead", null],
      ["delivered", "delivered", 5000],
      ["dead", "dead", 5000],
      ["replaying", "dead", null],
    ]);
  });
});

const decision = fc.oneof(
  fc.constant({ kind: "delivered" as const }),
  fc.record({ kind: fc.constantFrom("retry" as const, "dead" as const), at: fc.nat() }),
  fc.constant({ kind: "disable" as const, reason: "Gone." }),
);
const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.constant({ kind: "skip" as const }),
  fc.record({ kind: fc.constant("carried" as const), decision }),
  fc.record({
    kind: fc.constant("attempt" as const),
    queue: fc.constantFrom("live" as const, "again" as const),
    decision,
  }),
);

const start = fc.constantFrom(deliveryStatus.pending, deliveryStatus.replaying);

/** Every state that it passes through, the first one included. */
function pathOf(status: DeliveryStatus, outcomes: readonly Outcome[]): DeliveryState[] {
  const path: DeliveryState[] = [{ status, nextAttemptAt: null }];
  for (const one of outcomes) path.push(transition(path.at(-1) ?? { status, nextAttemptAt: null }, one));
  return path;
}

describe("whatever happens to a delivery, in whatever order", () => {
  it("what was delivered stays delivered, and what is finished never waits again", () => {
    fc.assert(
      fc.property(start, fc.array(outcome), (status, outcomes) => {
        const path = pathOf(status, outcomes).map((state) => state.status);
        const steps = path.slice(1).map((after, index) => ({ before: path[index] ?? status, after }));
        const undone = steps.filter(
          ({ before, after }) => before === deliveryStatus.delivered && after !== deliveryStatus.delivered,
        );
        const revived = steps.filter(({ before, after }) => !isWaiting(before) && isWaiting(after));
        expect({ undone, revived }).toEqual({ undone: [], revived: [] });
      }),
    );
  });

  it("the counters end where its last state says, and none is ever below 0", () => {
    fc.assert(
      fc.property(start, fc.array(outcome), (status, outcomes) => {
        const path = pathOf(status, outcomes).map((state) => state.status);
        const sum = { finished: 0, delivered: 0, dead: 0 };
        for (const [index, after] of path.slice(1).entries()) {
          const change = countersChange(path[index] ?? status, after);
          sum.finished += change.finished;
          sum.delivered += change.delivered;
          sum.dead += change.dead;
          expect(Math.min(...Object.values(sum))).toBeGreaterThanOrEqual(0);
        }
        const last = path.at(-1) ?? status;
        expect(sum).toEqual({
          finished: isWaiting(last) ? 0 : 1,
          delivered: last === deliveryStatus.delivered ? 1 : 0,
          dead: last === deliveryStatus.dead ? 1 : 0,
        });
      }),
    );
  });
});
