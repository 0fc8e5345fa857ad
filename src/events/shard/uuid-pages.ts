/**
 * Packed uuids: a page of about 4,096 events and its Bloom filter, each one value in a row. An entry is 32 bytes: the uuid,
 * and what a repeat has to be told, which outlives the event's text. A page is read only where its filter has the uuid, and
 * then searched from its start, so that it needs no order.
 */
import { hashOf, type UuidWords } from "./uuid-hash";

/** An event that was accepted before: its id in the shard, when (ms), and under which routing version. */
export type SeenEvent = { id: number; acceptedAt: number; routingVersion: number };

/** An entry of a page. */
export type SeenUuid = SeenEvent & { words: UuidWords };

/** How many events are packed at once, and how many a page has, on average. */
export const pageEntries = 4096;
/** By how many pages at once the pages of one level become those of the next: a digit in base 16 of the uuid's hash. */
export const pagesPerStep = 16;

const digitBits = 4;
const entryWords = 8;
const filterBits = pageEntries * 16;
/** With 16 bits for each entry, one of 1,700 uuids that a page does not have passes its filter. */
const probes = 8;
const seeds = { page: 0x5a4d0011, filter: 0x5a4d0012, step: 0x5a4d0013 };

/** The page of a uuid in a run of some level, from 0: its pages are 16 ** level. */
export function pageOf(words: UuidWords, level: number): number {
  return level === 0 ? 0 : hashOf(words, seeds.page) >>> (32 - digitBits * level);
}

/** Ids and times take 48 bits each. */
export function packPage(entries: readonly SeenUuid[]): Uint32Array<ArrayBuffer> {
  const page = new Uint32Array(entries.length * entryWords);
  let at = 0;
  for (const { words, id, acceptedAt, routingVersion } of entries) {
    page.set(words, at);
    page[at + 4] = id;
    page[at + 5] = acceptedAt;
    page[at + 6] = (Math.floor(id / 2 ** 32) << 16) | Math.floor(acceptedAt / 2 ** 32);
    page[at + 7] = routingVersion;
    at += entryWords;
  }
  return page;
}

export function unpackPage(page: Uint32Array): SeenUuid[] {
  return Array.from({ length: page.length / entryWords }, (_, place) => entryAt(page, place * entryWords));
}

/** The newest entry of a uuid in a page, or null. */
export function findInPage(page: Uint32Array, words: UuidWords): SeenEvent | null {
  const [first, second, third, fourth] = words;
  let newest: SeenEvent | null = null;
  for (let at = 0; at < page.length; at += entryWords) {
    if (page[at] !== first || page[at + 1] !== second || page[at + 2] !== third || page[at + 3] !== fourth) {
      continue;
    }
    const { id, acceptedAt, routingVersion } = entryAt(page, at);
    if (id > (newest?.id ?? 0)) newest = { id, acceptedAt, routingVersion };
  }
  return newest;
}

export function filterOf(entries: readonly { words: UuidWords }[]): Uint32Array<ArrayBuffer> {
  const filter = new Uint32Array(filterBits / 32);
  for (const { words } of entries) {
    for (const bit of bitsOf(words)) filter[bit >>> 5] = (filter[bit >>> 5] ?? 0) | (1 << (bit & 31));
  }
  return filter;
}

/** Where a uuid is looked for in every filter. */
export function bitsOf(words: UuidWords): number[] {
  const start = hashOf(words, seeds.filter);
  const step = hashOf(words, seeds.step) | 1;
  const bits: number[] = [];
  for (let probe = 0; probe < probes; probe += 1) {
    bits.push((start + Math.imul(probe, step)) & (filterBits - 1));
  }
  return bits;
}

/** @param bits of a uuid. False: the page does not have it. */
export function mayHold(filter: Uint32Array, bits: readonly number[]): boolean {
  return bits.every((bit) => ((filter[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0);
}

function entryAt(page: Uint32Array, at: number): SeenUuid {
  const high = page[at + 6] ?? 0;
  return {
    words: [page[at] ?? 0, page[at + 1] ?? 0, page[at + 2] ?? 0, page[at + 3] ?? 0],
    id: (high >>> 16) * 2 ** 32 + (page[at + 4] ?? 0),
    acceptedAt: (high & 0xffff) * 2 ** 32 + (page[at + 5] ?? 0),
    routingVersion: page[at + 7] ?? 0,
  };
}
