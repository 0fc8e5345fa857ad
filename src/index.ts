/** The Worker's entry point: HTTP, queues, cron and the Durable Object classes `WebhookLane`, `EventShard`, `RelayHub`. */
import { createApp } from "./app";
import { createJurisdictionCheck } from "./db/deployment";
import { consumeDeadLetters } from "./events/dead-letter-consumer";
import { consume } from "./events/queue-consumer";
import { laneEvents } from "./events/lane-events";
import { WebhookLane as Lane } from "./lane/webhook-lane";
import { obeyStop } from "./planned-stop";
import { log } from "./platform/log";
import { runScheduled } from "./scheduled";

export { EventShard } from "./events/shard/event-shard";
export { RelayHub } from "./send/egress/relay-hub";

/** The Durable Object of a webhook (binding `LANES`), wired to the events layer. */
export class WebhookLane extends Lane {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, laneEvents(env));
  }
}

const checkJurisdiction = createJurisdictionCheck();
const app = createApp(checkJurisdiction);

export default {
  fetch: app.fetch,

  async queue(batch, env) {
    const startedAt = Date.now();
    const { queue, messages } = batch;
    try {
      await checkJurisdiction(env);
      if (queue === "events-dlq") await consumeDeadLetters(batch, env);
      else await consume(batch, env);
    } finally {
      log("info", "queue batch", { queue, messages: messages.length, duration_ms: Date.now() - startedAt });
    }
  },

  async scheduled(controller, env) {
    if (await obeyStop(env, controller.cron)) return;
    await checkJurisdiction(env);
    await runScheduled(env, controller.scheduledTime);
  },
} satisfies ExportedHandler<Env>;
