import * as fc from "fast-check";
import { env } from "cloudflare:workers";
import { beforeEach, expect, it, vi } from "vitest";
import type { Ordering } from "../../src/lane/handover";
import { stopClock } from "../clock";
import { type Command, kinds, LaneModel } from "./lane-model";

const runs = Number(env.MODEL_RUNS);
const seed = env.MODEL_SEED === "" ? Math.floor(Math.random() * 2 ** 31) : Number(env.MODEL_SEED);

/** A single run that takes longer hangs. */
const runTimeoutMs = 300_000;
/** Reached only by a hang, or while a failure is made smaller: it is then told as far as it is. */
const limitMs = 600_000 + runs * 2000;

beforeEach(stopClock);

const kind = fc.nat({ max: kinds.length - 1 });
const place = fc.nat({ max: 60 });
const aheadMs = fc.constantFrom(0, 1000, 3000, 20_000, 600_000, 5_000_000);

const plain = fc.oneof(
  { weight: 8, arbitrary: publishing(8) },
  { weight: 1, arbitrary: publishing(60) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("publish again" as const), place }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("fail" as const),
      kinds: fc.array(kind, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("fall silent" as const),
      how: fc.constantFrom("down" as const, "down" as const, "gone" as const),
    }),
  },
  { weight: 3, arbitrary: fc.constant<Command>({ do: "recover" }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("run the alarm" as const), aheadMs }) },
  { weight: 1, arbitrary: fc.constant<Command>({ do: "pause" }) },
  { weight: 2, arbitrary: fc.constant<Command>({ do: "resume" }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("skip" as const), place }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("redeliver" as const), place }) },
  { weight: 2, arbitrary: fc.constant<Command>({ do: "evict" }) },
  { weight: 1, arbitrary: fc.constant<Command>({ do: "crash" }) },
  { weight: 1, arbitrary: fc.constant<Command>({ do: "rename" }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("order" as const),
      ordering: fc.constantFrom<Ordering>("strict", "keyed", "none"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("give up after" as const),
      attempts: fc.constantFrom(1, 2, 4, 100),
    }),
  },
);

const ordering = fc.constantFrom<Ordering>("strict", "keyed", "none");
const reorder = fc.record({ do: fc.constant("order" as const), ordering });

/** Much is under way, in one order or another, and meanwhile something happens. */
const hold = fc
  .tuple(reorder, publishing(12), fc.array(plain, { maxLength: 5 }), fc.oneof(plain, reorder))
  .map(([order, publish, others, last]): Command[] => [
    order,
    { do: "hold", meanwhile: [publish, ...others, last] },
  ]);

const commands = fc
  .array(fc.oneof({ weight: 8, arbitrary: fc.tuple(plain) }, { weight: 1, arbitrary: hold }), {
    minLength: 5,
    maxLength: 40,
    size: "max",
  })
  .map((groups): Command[] => groups.flat());

function publishing(maxLength: number): fc.Arbitrary<Command> {
  return fc.record({
    do: fc.constant("publish" as const),
    kinds: fc.array(kind, { minLength: 1, maxLength }),
  });
}

/** What once went wrong, with the chance that it took: these come first. */
const met: [Command[], number][] = [
  // One that waits behind nothing was refused as behind another one, where nobody looked for it since the receiver was down.
  [
    [
      { do: "fall silent", how: "down" },
      { do: "order", ordering: "strict" },
      {
        do: "hold",
        meanwhile: [
          { do: "publish", kinds: [0] },
          { do: "order", ordering: "none" },
        ],
      },
      { do: "publish", kinds: [0, 0, 0, 0] },
      { do: "publish", kinds: [0, 0] },
      { do: "evict" },
      { do: "order", ordering: "none" },
      {
        do: "hold",
        meanwhile: [
          { do: "publish", kinds: [0] },
          { do: "redeliver", place: 6 },
          { do: "order", ordering: "strict" },
        ],
      },
    ],
    0,
  ],
];

it(
  `whatever happens, nothing is lost, sent again or out of order (${runs} runs, seed ${seed})`,
  { timeout: limitMs + 60_000 },
  async () => {
    // oxlint-disable-next-line no-console -- so that a run can be repeated: MODEL_SEED=… MODEL_RUNS=…
    console.log(`lane model: ${runs} runs, seed ${seed}`);
    await fc.assert(
      fc.asyncProperty(commands, fc.double({ min: 0, max: 1, noNaN: true }), async (all, random) => {
        stopClock();
        const model = await LaneModel.make();
        vi.spyOn(Math, "random").mockReturnValue(random);
        for (const one of all) await model.run(one);
        await model.finish();
        expect(model.deliveries.filter(({ status }) => status === "pending")).toEqual([]);
      }),
      {
        examples: met,
        numRuns: runs,
        seed,
        timeout: runTimeoutMs,
        interruptAfterTimeLimit: limitMs,
        markInterruptAsFailure: true,
      },
    );
  },
);
