/** The changes of routing that were announced to an event shard. */
import type { RoutingReplica } from "./routing-replica";

export class RoutingChanges {
  // oxlint-disable-next-line no-useless-constructor -- the interface
  constructor(_ctx: DurableObjectState, _env: Env, _replica: RoutingReplica) {}

  announce(_id: string, _now: number): void {}

  withdraw(_id: string): void {}

  abandon(_id: string, _now: number): void {}

  apply(_id: string): Promise<void> {
    return Promise.resolve();
  }

  current(): Promise<boolean> {
    return Promise.resolve(true);
  }

  get maintenanceAt(): number | null {
    return null;
  }

  maintain(_now: number): Promise<void> {
    return Promise.resolve();
  }
}
