/** Webhooks with dead letters, for tests to look at and to send again. */
import type { WebhookAnswer } from "../../api";
import { makeEvents, makeListener, publish } from "../../event";
import { alarmOf, laneOf, runAlarm } from "../../lane";
import { type Received, receiver } from "../../receiver";

/** A receiver of all webhooks that first answers 500. `again`: what it got since `answerWith` was last called. */
export type DeadReceiver = { answerWith: (status: number) => void; again: () => Received[] };

/** To be called first: it answers in place of the internet. */
export function deadReceiver(): DeadReceiver {
  let status = 500;
  let from = 0;
  const { received } = receiver(() => new Response(null, { status }));
  return {
    answerWith(next) {
      status = next;
      from = received.length;
    },
    again: () => received.slice(from),
  };
}

/** A webhook whose deliveries are given up after one attempt, each on its own. */
export function makeImpatient(name: string, changes: Record<string, unknown> = {}): Promise<WebhookAnswer> {
  return makeListener({ name, ordering: "none", retry: { max_attempts: 1 }, ...changes });
}

/** Publishes so many events that match all webhooks of `makeImpatient`, and waits until these have that many more dead letters. */
export async function die(count: number, webhooks: WebhookAnswer[]): Promise<void> {
  await publish(makeEvents(count));
  for (const { uuid } of webhooks) {
    // A lane that has nothing but failures goes slowly: it is led from one alarm to the next. In the end it tells D1 how
    // many there are.
    do await runAlarm(uuid, Math.max(((await alarmOf(uuid)) ?? 0) - Date.now(), 10_000));
    while ((await laneOf(uuid).stats())?.backlog !== 0);
  }
}

/** The sequences of a webhook's dead letters, newest first. */
export async function deadOf({ uuid }: WebhookAnswer): Promise<number[]> {
  return (await laneOf(uuid).deadLetters({ limit: 100 })).deliveries.map(({ sequence }) => sequence);
}

/** What one reads on a page, without the marks. */
export function words(html: string): string {
  return html
    .slice(html.indexOf("<main"))
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ");
}
