/** `relay`: a delivery through a relay on the same machine, beside one that goes out directly. */
import { type Figures, figure } from "../figures.ts";
import { inTurn, type Lab, rounds } from "../lab.ts";

const deliveries = 300;
/** A receiver that is somewhere else takes time: what a relay adds is small beside it. */
const receiverMs = 5;

export async function relay(lab: Lab): Promise<Figures> {
  const perDeliveryMs = async (egress: string): Promise<number> => {
    const path = `/wait/${receiverMs}/${egress}`;
    const url = lab.receiverUrl(path);
    const uuid = await lab.gateway.makeWebhook({ url, project: 0, settings: { egress } });
    const load = { events: deliveries, batch: 60, connections: 1, projects: 1 };
    const run = await lab.publish({ ...load, path, deliveries });
    await lab.gateway.removeWebhooks([uuid]);
    return (run.arrivals.lastAtMs - run.loaded.startedAtMs) / deliveries;
  };
  const { through, direct } = await inTurn(rounds, {
    direct: () => perDeliveryMs("direct"),
    through: () => perDeliveryMs("bench"),
  });
  return {
    relay: figure({
      value: through,
      limit: direct,
      goal: 1.5,
      better: "lower",
      unit: "ms/delivery",
      against: `sent directly, a receiver of ${receiverMs} ms`,
    }),
  };
}
