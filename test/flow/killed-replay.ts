/** A replay during which live events are published and the gateway is killed. */
import { call, createWebhook, isAccepted, makeEvent, publish, webhookPath } from "./client.ts";
import { eventually } from "./eventually.ts";
import type { GatewayAddress } from "./gateway.ts";
import type { OneKill } from "./one-kill.ts";
import { type Arrival, Receiver } from "./receiver.ts";

const type = "project:deleted";
/** More than what is counted when a replay begins. */
export const oldCount = 1_200;
export const liveCount = 120;
/** The replay comes no further before the kill. */
const replayedBeforeKillMax = 1_000;

type Progress = { queued: number; sent: number; done: boolean };

/** What came of it. `arrivals`: first each old delivery, then replayed and live ones. `replayedAtKill`: how many of the former. */
export type KilledReplay = {
  id: string;
  queued: number;
  progress: Progress;
  old: { uuid: string }[];
  live: { uuid: string }[];
  arrivals: Arrival[];
  replayedAtKill: number;
};

export async function killReplay(kill: OneKill): Promise<KilledReplay> {
  const { gateway } = kill;
  const old = Array.from({ length: oldCount }, () => makeEvent(type));
  const live = Array.from({ length: liveCount }, () => makeEvent(type));
  let accepted = 0;
  const receiver: Receiver = await Receiver.open();
  const replayed = () => receiver.arrivals.filter(isReplayed).length;
  // The replay keeps step with the publisher, however slow that is, and waits for the kill before its end.
  const isAhead = () => replayed() > Math.min(replayedBeforeKillMax, (accepted + 1) * (oldCount / liveCount));
  receiver.answer = kill.answer((arrival) => isReplayed(arrival) && isAhead());
  const webhook = await createWebhook(gateway, { url: receiver.url, eventTypes: [type] });
  const since = new Date().toISOString();
  for (let from = 0; from < oldCount; from += 100) await publish(gateway, old.slice(from, from + 100));
  await eventually("everything arrives once", () => receiver.arrivals.length >= oldCount);
  await eventually("everything is recorded", async () => (await delivered(gateway, webhook)) === oldCount);

  const { id, queued } = await startReplay(gateway, webhook, since);
  const atKill = kill.done.then(replayed);
  const restarted = eventually(
    "half of the live events arrived, and some of the replay",
    () => receiver.arrivals.filter(isLive).length >= liveCount / 2 && replayed() > 0,
  ).then(() => kill.inTheMiddle());
  for (const event of live) {
    await eventually("a live event is accepted", () => isAccepted(gateway, event));
    accepted += 1;
  }
  await restarted;
  await eventually("everything arrives again", () => replayed() >= oldCount);
  await eventually("the last live event arrives", () => receiver.hasReceived(oldCount + liveCount));
  const progress = await eventually("the replay is done", () => whenDone(gateway, webhook, id));
  await receiver.stop();
  return { id, queued, progress, old, live, arrivals: receiver.arrivals, replayedAtKill: await atKill };
}

export function isReplayed({ headers }: Arrival): boolean {
  return headers["x-orchest-replay"] !== undefined;
}

/** Not of the replay, and published after it began. */
export function isLive(arrival: Arrival): boolean {
  return !isReplayed(arrival) && arrival.sequence > oldCount;
}

async function delivered(gateway: GatewayAddress, webhook: { uuid: string }): Promise<number> {
  const { json } = await call(gateway, "GET", webhookPath(webhook, "/stats"));
  return (json as { counts: { delivered: number } }).counts.delivered;
}

async function startReplay(gateway: GatewayAddress, webhook: { uuid: string }, since: string) {
  const spec = { since, status: "all" };
  const { status, json } = await call(gateway, "POST", webhookPath(webhook, "/replay"), spec);
  if (status !== 202) throw new Error(`The replay is answered with ${status}: ${JSON.stringify(json)}`);
  const { replay, queued } = json as { replay: string; queued: number };
  return { id: replay, queued };
}

async function whenDone(
  gateway: GatewayAddress,
  webhook: { uuid: string },
  id: string,
): Promise<Progress | null> {
  const { json } = await call(gateway, "GET", webhookPath(webhook, `/replays/${id}`));
  const progress = json as Progress;
  return progress.done ? progress : null;
}
