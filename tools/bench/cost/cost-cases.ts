/** What is billed: every way to publish, width, outcome and receiver that makes a difference. */

export type CostCase = {
  name: string;
  /** Events per request. */
  batch: 1 | 100;
  /** How many webhooks match each event. */
  fanOut: 1 | 3 | 100;
  isRetried: boolean;
  receiverMs: 50 | 500;
  /** Dollars per million deliveries. */
  goal: number | null;
  /** How many groups of `fanOut` webhooks there are, each with events of its own. */
  groups: number;
};

/** Groups by width: so many that a hundred or more deliveries are counted, and the machine keeps up. */
const groupsOf = { 1: { 1: 50, 100: 4 }, 3: { 1: 16, 100: 2 }, 100: { 1: 1, 100: 1 } };

/** The cases in phases: those of one phase run side by side. A batch keeps the machine too busy for what comes alone. */
export function costPhases(): CostCase[][] {
  const phases: CostCase[][] = [];
  for (const receiverMs of [50, 500] as const) {
    for (const isRetried of [false, true]) {
      for (const batch of [1, 100] as const) {
        phases.push(
          ([1, 3, 100] as const).map((fanOut) => costCase({ batch, fanOut, isRetried, receiverMs })),
        );
      }
    }
  }
  return phases;
}

function costCase(setup: Pick<CostCase, "batch" | "fanOut" | "isRetried" | "receiverMs">): CostCase {
  const { batch, fanOut, isRetried, receiverMs } = setup;
  const how = batch === 1 ? "single events" : "batches of 100";
  const outcome = isRetried ? "10 % retried" : "first-time success";
  const hasGoal = fanOut === 1 && !isRetried && receiverMs === 50;
  return {
    ...setup,
    name: `${how}, fan-out ${fanOut}, ${outcome}, ${receiverMs} ms`,
    goal: hasGoal ? (batch === 1 ? 3.95 : 3.2) : null,
    groups: groupsOf[fanOut][batch],
  };
}
