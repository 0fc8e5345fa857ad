/** An event shard's replica of what matching needs. */
import type { Topic } from "../matching";
import type { Match } from "./types";

export class RoutingReplica {
  // oxlint-disable-next-line no-useless-constructor -- the interface
  constructor(_sql: SqlStorage) {}

  get version(): number {
    return 0;
  }

  match(_topics: readonly Topic[]): Match[] {
    return [];
  }
}
