/** Which shard an event belongs to, and how to call a shard. */
import { within } from "../../lane/lane-of";
import { readLanePlacement } from "../../platform/lane-placement";
import type { EventShard } from "./event-shard";
import { hashOf, type UuidWords, wordsOf } from "./uuid-hash";

/** Of the 64-bit hash that shards are chosen by. They differ from those inside a shard, where all UUIDs have the same shard. */
const seeds = [0x5a4d0001, 0x5a4d0002] as const;

/**
 * The shard of an event, from 0: by jump consistent hash (Lamping and Veach, 2014), so that one shard more takes its share
 * from all others, and nothing else moves.
 * @param uuid in lower case. @param shards how many there are, from 1.
 */
export function shardOf(uuid: string, shards: number): number {
  return shardOfWords(wordsOf(uuid), shards);
}

/** As `shardOf`, of a uuid as it is packed. */
export function shardOfWords(words: UuidWords, shards: number): number {
  return ownersOfWords(words, shards).at(-1) ?? 0;
}

/** The shards that an event may lie in, whenever it was accepted, the one that it belongs to last: there were fewer shards before. */
export function ownersOf(uuid: string, shards: number): number[] {
  return ownersOfWords(wordsOf(uuid), shards);
}

function ownersOfWords(words: UuidWords, shards: number): number[] {
  let key = (BigInt(hashOf(words, seeds[0])) << 32n) | BigInt(hashOf(words, seeds[1]));
  const owners: number[] = [];
  for (let shard = 0; shard < shards;) {
    owners.push(shard);
    key = BigInt.asUintN(64, key * 2862933555777941757n + 1n);
    shard = Math.floor((shard + 1) * (2 ** 31 / (Number(key >> 33n) + 1)));
  }
  return owners;
}

/**
 * The only way to a shard: it lives where lanes do.
 * @param shard from 0. @returns a stub: it is of no use after an exception.
 */
export function shardStub(env: Env, shard: number): DurableObjectStub<EventShard> {
  const { jurisdiction, locationHint } = readLanePlacement(env);
  const namespace = within(env.SHARDS, jurisdiction);
  return namespace.getByName(`shard-${shard}`, locationHint === null ? {} : { locationHint });
}
