/** `many`: what a dispatch costs does not depend on how many webhooks there are that do not match. */
import { type Figures, figure } from "../figures.ts";
import { type Lab, median } from "../lab.ts";
import { eventType, projectUuid } from "../sample-event.ts";

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
  await addWebhooks(lab, 1000 - matching);
  await cost();
  await addWebhooks(lab, lab.sizes.webhooks - 1000);
  const last = [await cost(), await cost()];
  await lab.gateway.removeWebhooks(uuids);
  await removeAdded(lab);
  return {
    many: figure({
      value: Math.min(...last),
      limit: Math.min(...first),
      goal: 1.2,
      better: "lower",
      unit: "ms per dispatch",
      against: `the same with 10 webhooks instead of ${lab.sizes.webhooks}`,
    }),
  };
}

/** Webhooks of other projects, written to D1 directly: nothing is ever sent to them. */
async function addWebhooks(lab: Lab, count: number): Promise<void> {
  const db = await lab.gateway.worker.miniflare.getD1Database("DB");
  await db
    .prepare(
      `WITH RECURSIVE place(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM place WHERE n < ?1)
       INSERT INTO webhooks (uuid, name, origin, sealed, verify_ssl, content_type, created_at)
       SELECT lower(hex(randomblob(16))), 'bench-many', 'http://127.0.0.1', '', 0, 'application/json', 0 FROM place`,
    )
    .bind(count)
    .run();
  await db
    .prepare(
      `INSERT INTO subscriptions (uuid, webhook_id, event_type, project_uuid, created_at)
       SELECT lower(hex(randomblob(16))), w.id, ?1, ?2, 0 FROM webhooks w
       WHERE w.name = 'bench-many' AND NOT EXISTS (SELECT 1 FROM subscriptions s WHERE s.webhook_id = w.id)`,
    )
    .bind(eventType, projectUuid(999_999))
    .run();
}

async function removeAdded(lab: Lab): Promise<void> {
  const db = await lab.gateway.worker.miniflare.getD1Database("DB");
  await db.prepare("DELETE FROM webhooks WHERE name = 'bench-many'").run();
}
