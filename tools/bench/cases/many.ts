/** `many`: what a dispatch costs does not depend on how many webhooks there are that do not match. */
import { type Figures, figure } from "../figures.ts";
import { type Lab, median } from "../lab.ts";
import { addWebhooks, removeAdded, subscriptionsEach } from "../other-webhooks.ts";

const matching = 10;
const requests = 150;

export async function many(lab: Lab): Promise<Figures> {
  const url = lab.receiverUrl("/ok/many");
  const uuids: string[] = [];
  for (let place = 0; place < matching; place += 1) {
    uuids.push(await lab.gateway.makeWebhook({ url, project: 0 }));
  }
  const cost = async (): Promise<number> => {
    const load = { events: requests, batch: 1, connections: 1, projects: 1 };
    const { loaded } = await lab.publish({ ...load, path: "/many", deliveries: requests * matching });
    return median(loaded.requestsMs);
  };
  await cost();
  const first = [await cost(), await cost()];
  await addWebhooks(lab.gateway, lab.sizes.webhooks);
  await cost();
  const last = [await cost(), await cost()];
  await lab.gateway.removeWebhooks(uuids);
  await removeAdded(lab.gateway);
  return {
    many: figure({
      value: Math.min(...last),
      limit: Math.min(...first),
      goal: 1.2,
      better: "lower",
      unit: "ms per dispatch",
      against: `the same before ${lab.sizes.webhooks * subscriptionsEach} subscriptions of others came`,
    }),
  };
}
