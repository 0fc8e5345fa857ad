/** What a shard gives to one that is to take events over: the uuids of those that belong to it, of all that it ever knew. */
import { shardOfWords } from "./shard-of";
import type { ShardStore } from "./shard-store";
import { packPage, type SeenUuid } from "./uuid-pages";

/**
 * How far a shard's uuids were read: its packed pages up to a key, and all events up to an id. `inheritedKey`: as much of those
 * that it took over itself; null: all of them.
 */
export type UuidCursor = { inheritedKey: number | null; key: number; id: number };

export const firstCursor: UuidCursor = { inheritedKey: 0, key: 0, id: 0 };

/**
 * Asks for uuids that belong to a shard when there are `shards`. `isLast`: from now on there are so many: the shard that is asked
 * accepts nothing any more that belongs to the other one.
 */
export type UuidRequest = { shard: number; shards: number; cursor: UuidCursor; isLast: boolean };

/**
 * Some of them. `page`: packed, with the time of acceptance (ms) in place of the id. `isEnd`: that was all until now.
 * `knownSince`: as in the shard's record; `oldRoutingVersion`, too, null where it does not know of an archive in D1.
 */
export type UuidPage = {
  page: ArrayBuffer;
  cursor: UuidCursor;
  isEnd: boolean;
  knownSince: number;
  oldRoutingVersion: number | null;
};

/** How many packed pages one call looks through, some 10 ms each. */
const pagesPerCall = 4;

/** @param store of the shard that is asked. An event may come twice, and none is left out by reading on until `isEnd`. */
export function readUuids({ seen, inherited, record }: ShardStore, request: UuidRequest): UuidPage {
  const { shard, shards, cursor } = request;
  const { knownSince, oldArchive, oldRoutingVersion } = record.get();
  const read =
    cursor.inheritedKey === null
      ? readOwn(seen.readBehind({ ...cursor, pages: pagesPerCall }))
      : readInherited(inherited.readBehind(cursor.inheritedKey, pagesPerCall), cursor);
  const own = read.entries.filter(({ words }) => shardOfWords(words, shards) === shard);
  return {
    page: packPage(own).buffer,
    cursor: read.cursor,
    isEnd: read.isEnd,
    knownSince,
    oldRoutingVersion: oldArchive === "unknown" || oldArchive === "none" ? null : oldRoutingVersion,
  };
}

type Read = { entries: SeenUuid[]; cursor: UuidCursor; isEnd: boolean };

function readOwn({ entries, key, id, isEnd }: ReturnType<ShardStore["seen"]["readBehind"]>): Read {
  return {
    entries: entries.map((entry) => ({ ...entry, id: entry.acceptedAt })),
    cursor: { inheritedKey: null, key, id },
    isEnd,
  };
}

function readInherited(
  { entries, key, isEnd }: ReturnType<ShardStore["inherited"]["readBehind"]>,
  cursor: UuidCursor,
): Read {
  return { entries, cursor: { ...cursor, inheritedKey: isEnd ? null : key }, isEnd: false };
}
