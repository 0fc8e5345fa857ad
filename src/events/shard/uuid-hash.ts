/** UUIDs as numbers, and hashes of them. */

/** The 128 bits of a UUID, first to last. */
export type UuidWords = readonly [number, number, number, number];

const form = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @param uuid in lower case. @throws when it is not a UUID: an event's was checked when it was parsed. */
export function wordsOf(uuid: string): UuidWords {
  if (!form.test(uuid)) throw new Error("A text is not a UUID in lower case.");
  return [
    Number.parseInt(uuid.slice(0, 8), 16),
    Number.parseInt(uuid.slice(9, 13) + uuid.slice(14, 18), 16),
    Number.parseInt(uuid.slice(19, 23) + uuid.slice(24, 28), 16),
    Number.parseInt(uuid.slice(28, 36), 16),
  ];
}

/**
 * 32 bits, evenly spread whatever the UUIDs have in common: MurmurHash3 (x86, 32 bits) of the four words.
 * What is written to disk goes by it: it never changes.
 */
export function hashOf(words: UuidWords, seed: number): number {
  let hash = mix(mix(mix(mix(seed, words[0]), words[1]), words[2]), words[3]);
  hash ^= words.length * 4;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function mix(hash: number, word: number): number {
  const scrambled = Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
  return (Math.imul(rotate(hash ^ scrambled, 13), 5) + 0xe6546b64) | 0;
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
