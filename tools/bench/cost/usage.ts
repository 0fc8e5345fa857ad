/** What a delivery uses of the platform, in the units that are billed. */

/** What is metered, for any number of deliveries. Times in ms. */
export type Usage = {
  workerRequests: number;
  workerCpuMs: number;
  laneRequests: number;
  laneAwakeMs: number;
  laneRowsWritten: number;
  laneRowsRead: number;
  d1RowsWritten: number;
  d1RowsRead: number;
  queueMessages: number;
};

/** As it is counted: of one lane, or of one case's requests. `fetches` and `fetchMs` are attempts and the wait for them. */
export type Metered = Omit<Usage, "workerCpuMs"> & { fetches: number; fetchMs: number };

/** @returns a meter that has counted nothing yet. */
export function nothing(): Metered {
  return {
    workerRequests: 0,
    laneRequests: 0,
    laneAwakeMs: 0,
    laneRowsWritten: 0,
    laneRowsRead: 0,
    d1RowsWritten: 0,
    d1RowsRead: 0,
    queueMessages: 0,
    fetches: 0,
    fetchMs: 0,
  };
}
