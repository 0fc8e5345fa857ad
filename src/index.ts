/** The Worker's entry: HTTP, queues and cron, and the class of the lanes. */
import { createApp } from "./app";
import { finishDeletions } from "./http/subscribers/deletion";
import { consumeDeadLetters } from "./events/dead-letter-consumer";
import { handOverAll } from "./events/hand-over-waiting";
import { consume } from "./events/queue-consumer";

export { WebhookLane } from "./delivery/webhook-lane";

const app = createApp();

export default {
  fetch: app.fetch,

  async queue(batch, env) {
    if (batch.queue === "events-dlq") await consumeDeadLetters(batch, env);
    else await consume(batch, env);
  },

  /** Every minute: what a lane could not take, and deletions that stopped half-way. */
  async scheduled(_controller, env) {
    await handOverAll(env);
    await finishDeletions(env);
  },
} satisfies ExportedHandler<Env>;
