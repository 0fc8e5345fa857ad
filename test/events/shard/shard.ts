/** Event shards' routing in the hands of a test: in the storage of real objects. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { RoutingPlace, ShardStub } from "../../../src/events/shard/change-routing";
import { RoutingChanges } from "../../../src/events/shard/routing-changes";
import { RoutingReplica } from "../../../src/events/shard/routing-replica";
import type { Match } from "../../../src/events/shard/types";
import { laneOf } from "../../lane";

export type Routing = { replica: RoutingReplica; changes: RoutingChanges; state: DurableObjectState };

/** Of which the tests of routing need to know nothing. */
const deployment = { shardsWanted: () => 2, pulled: () => undefined };

/** By the state of an object: an object that was evicted has another one. */
const routings = new WeakMap<DurableObjectState, Routing>();

/** Calls that may outlive the answer of a change. */
const callsUnderWay = new Set<Promise<unknown>>();

/** For `afterEach`: nothing of one test reaches into the next one. */
export async function endCalls(): Promise<void> {
  while (callsUnderWay.size > 0) await Promise.allSettled(callsUnderWay);
}

/** Works with a shard's routing inside its object. */
export function inShard<Result>(
  name: string,
  work: (routing: Routing) => Result | Promise<Result>,
  { DB }: Pick<Env, "DB"> = env,
): Promise<Result> {
  const call = runInDurableObject(laneOf(name), (_, state) => {
    let routing = routings.get(state);
    if (routing === undefined) {
      const replica = new RoutingReplica(state.storage.sql);
      routing = { replica, changes: new RoutingChanges(state, { DB }, replica, deployment), state };
      routings.set(state, routing);
    }
    return work(routing);
  });
  callsUnderWay.add(call);
  const end = (): void => void callsUnderWay.delete(call);
  call.then(end, end);
  return call;
}

/** The shard as a writer calls it. */
export function shardStub(name: string): ShardStub {
  return () => ({
    announce: (id) =>
      inShard(name, ({ changes }) => {
        changes.announce(id, Date.now());
        return null;
      }),
    withdraw: (id) => inShard(name, ({ changes }) => changes.withdraw(id)),
    abandon: (id) => inShard(name, ({ changes }) => changes.abandon(id, Date.now())),
    apply: (id) => inShard(name, ({ changes }) => changes.apply(id)),
  });
}

/** Where a change finds these shards. */
export function placeOf(shards: readonly ShardStub[]): RoutingPlace {
  return { db: env.DB, shardsWanted: shards.length, shardsOf: () => shards };
}

/** The publisher must repeat. */
export const matchFails = "unavailable";

/** What a publish of an event does first. @returns the uuids of who matches. */
export function matchAt(name: string, type = "project:created"): Promise<string[] | typeof matchFails> {
  return inShard(name, async ({ replica, changes }) => {
    if (!(await changes.current())) return matchFails;
    const matches: Match[] = replica.match([{ type, projectUuid: null, jobUuid: null }]);
    return matches.map(({ webhook }) => webhook.uuid);
  });
}

/** A webhook in D1, without the gateway. @returns its id. */
export async function insertWebhook(uuid: string, ...eventTypes: string[]): Promise<number> {
  const [inserted] = await env.DB.batch<{ id: number }>([
    env.DB.prepare(
      `INSERT INTO webhooks (uuid, name, origin, sealed, verify_ssl, content_type, created_at)
       VALUES (?, '', '', '', 1, 'application/json', 0) RETURNING id`,
    ).bind(uuid),
    env.DB.prepare(
      `INSERT INTO subscriptions (uuid, webhook_id, event_type, created_at)
       SELECT value, w.id, value, 0 FROM json_each(?2) CROSS JOIN webhooks w WHERE w.uuid = ?1`,
    ).bind(uuid, JSON.stringify(eventTypes)),
  ]);
  return inserted?.results[0]?.id ?? -1;
}
