/** Creates a webhook, publishes an event, reads its delivery and deletes the webhook, with the generated types. */
import { setTimeout } from "node:timers/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.d.ts";

const { GATEWAY_URL = "", GATEWAY_TOKEN = "", RECEIVER_URL = "" } = process.env;

const client = createClient<paths>({
  baseUrl: GATEWAY_URL,
  headers: { Authorization: `Bearer ${GATEWAY_TOKEN}` },
});
const path = "/api/notifications/subscribers/{uuid}";

const { data: webhook, error: notCreated } = await client.POST("/api/notifications/subscribers/webhooks", {
  body: {
    url: RECEIVER_URL,
    name: "TypeScript client",
    verify_ssl: false,
    subscriptions: [{ event_type: "project:created" }],
  },
});
if (webhook === undefined) throw new Error(notCreated.message);

const { data: published, error: notAccepted } = await client.POST("/api/events", {
  body: { type: "project:created" },
});
if (published === undefined) throw new Error(notAccepted.message);

const delivery = await waitForDelivery(webhook.uuid);
console.log(`${delivery.event_type} ${delivery.event_uuid}: ${delivery.status}`);
if (delivery.event_uuid !== published.accepted[0]?.uuid) throw new Error("The delivery is of another event.");

const { error: notDeleted } = await client.DELETE(path, { params: { path: { uuid: webhook.uuid } } });
if (notDeleted !== undefined) throw new Error(notDeleted.message);

/** @returns the webhook's delivery once the receiver has taken it. */
async function waitForDelivery(uuid: string): Promise<components["schemas"]["FullDelivery"]> {
  for (let round = 0; round < 3000; round += 1) {
    const listed = await client.GET(`${path}/deliveries`, {
      params: { path: { uuid }, query: { status: "delivered" } },
    });
    if (listed.error !== undefined) throw new Error(listed.error.message);
    const [first] = listed.data.deliveries;
    if (first !== undefined) {
      const read = await client.GET(`${path}/deliveries/{delivery}`, {
        params: { path: { uuid, delivery: first.uuid } },
      });
      if (read.error !== undefined) throw new Error(read.error.message);
      return read.data;
    }
    await setTimeout(100);
  }
  throw new Error("No delivery has arrived within 5 minutes.");
}
