/** The cases by name, in the order in which they run. */
import type { Figures } from "../figures.ts";
import type { Lab } from "../lab.ts";
import { backlog } from "./backlog.ts";
import { keyed } from "./keyed.ts";
import { latency, slowNeighbour } from "./latency.ts";
import { many } from "./many.ts";
import { memory } from "./memory.ts";
import { relay } from "./relay.ts";
import { routing } from "./routing.ts";
import { simulation } from "./simulation.ts";
import { single, singleOne } from "./single.ts";
import { fan, queue, strict1 } from "./throughput.ts";

/** What runs under a name. */
export const cases: Record<string, (lab: Lab) => Promise<Figures>> = {
  "strict-1": strict1,
  "fan-10": (lab) => fan(lab, 10),
  "fan-100": (lab) => fan(lab, 100),
  single,
  "single-one": singleOne,
  queue,
  latency,
  "slow-neighbour": slowNeighbour,
  backlog,
  memory,
  many,
  routing,
  keyed,
  relay,
  simulation,
};
