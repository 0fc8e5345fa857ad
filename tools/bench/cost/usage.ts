/** What a delivery uses of the platform, in the units that are billed. */

/** What an object is billed for. Times in ms. */
type ObjectUsage = { requests: number; awakeMs: number; rowsWritten: number; rowsRead: number };

/** What is metered, for any number of deliveries. Times in ms. `lanes` and `shards`: of all objects of the class together. */
export type Usage = {
  workerRequests: number;
  workerCpuMs: number;
  lanes: ObjectUsage;
  shards: ObjectUsage;
  d1RowsWritten: number;
  d1RowsRead: number;
  queueMessages: number;
};

/**
 * As it is counted: of one lane, of all shards, or of one case's requests. `fetches` and `fetchMs` are attempts and the wait for
 * them.
 */
export type Metered = Omit<Usage, "workerCpuMs" | "lanes" | "shards"> &
  ObjectUsage & { fetches: number; fetchMs: number };

/** @returns a meter that has counted nothing yet. */
export function nothing(): Metered {
  return {
    workerRequests: 0,
    ...noObject(),
    d1RowsWritten: 0,
    d1RowsRead: 0,
    queueMessages: 0,
    fetches: 0,
    fetchMs: 0,
  };
}

/** @returns usage of nothing. */
export function noUsage(): Usage {
  return {
    workerRequests: 0,
    workerCpuMs: 0,
    lanes: noObject(),
    shards: noObject(),
    d1RowsWritten: 0,
    d1RowsRead: 0,
    queueMessages: 0,
  };
}

function noObject(): ObjectUsage {
  return { requests: 0, awakeMs: 0, rowsWritten: 0, rowsRead: 0 };
}
