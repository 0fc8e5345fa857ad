/** Gives a new shard the uuids of the earlier events that belong to it. */
import { shardOfWords } from "./shard-of";
import type { ShardStore } from "./shard-store";
import { packPage, type SeenUuid } from "./uuid-pages";

/**
 * How far the uuids of a shard were read: its packed pages up to `key`, and its events up to `id`. `inheritedKey`: the key up
 * to which its own copied uuids were read; null: all of them.
 */
export type UuidCursor = { inheritedKey: number | null; key: number; id: number };

/** The start. */
export const firstCursor: UuidCursor = { inheritedKey: 0, key: 0, id: 0 };

/**
 * Asks for the uuids that belong to `shard` when there are `shards`. `isLast`: shard 0 has stored this number, so that the
 * shard that is asked accepts no event of the other one any more.
 */
export type UuidRequest = { shard: number; shards: number; cursor: UuidCursor; isLast: boolean };

/**
 * The answer. `page`: packed uuids, with the time of acceptance (ms) as the id. `isEnd`: there are no more at present.
 * `knownSince`, `oldRoutingVersion`: as in the shard's record; the latter is null when there is no old archive in D1.
 */
export type UuidPage = {
  page: ArrayBuffer;
  cursor: UuidCursor;
  isEnd: boolean;
  knownSince: number;
  oldRoutingVersion: number | null;
};

/** How many packed pages one call reads, at about 10 ms each. */
const pagesPerCall = 4;

/**
 * Reads the next uuids. A caller that reads until `isEnd` gets every uuid at least once.
 * @param store of the shard that is asked.
 */
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
