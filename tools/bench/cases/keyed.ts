/** `keyed`: with a receiver of 50 ms, several jobs go at once where strict order sends one after another. */
import { type Figures, figure } from "../figures.ts";
import { inTurn, type Lab, perS } from "../lab.ts";

const jobs = 60;
const deliveries = 120;

export async function keyed(lab: Lab): Promise<Figures> {
  const rate = async (ordering: "strict" | "keyed"): Promise<number> => {
    const url = lab.receiverUrl(`/wait/50/${ordering}`);
    const uuid = await lab.gateway.makeWebhook({ url, project: 0, settings: { ordering } });
    const load = { events: deliveries, batch: 60, connections: 1, projects: 1, jobs };
    const run = await lab.publish({ ...load, path: `/wait/50/${ordering}`, deliveries });
    await lab.gateway.removeWebhooks([uuid]);
    return perS(deliveries, run.arrivals.lastAtMs - run.loaded.startedAtMs);
  };
  const { keyed, strict } = await inTurn(
    { warmUps: 0, counted: 1 },
    {
      strict: () => rate("strict"),
      keyed: () => rate("keyed"),
    },
  );
  return {
    keyed: figure({
      value: keyed,
      limit: strict,
      goal: 4,
      better: "higher",
      unit: "deliveries/s",
      against: "strict order",
    }),
  };
}
