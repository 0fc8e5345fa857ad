/** All that a shard keeps of events, in its own SQLite. Routing has tables of its own there. */
import { EventTables } from "./event-tables";
import { InheritedUuids } from "./inherited-uuids";
import { SeenEvents } from "./seen-events";
import { ShardRecordStore } from "./shard-record";

export class ShardStore {
  readonly sql: SqlStorage;
  readonly record: ShardRecordStore;
  readonly tables: EventTables;
  readonly seen: SeenEvents;
  readonly inherited: InheritedUuids;

  /** Makes the tables of a new shard; of another one, reads what is not packed yet. */
  constructor(sql: SqlStorage) {
    this.sql = sql;
    this.record = new ShardRecordStore(sql);
    this.tables = new EventTables(sql, this.record.get().forgottenThrough);
    this.seen = new SeenEvents(sql, this.tables, this.record);
    this.inherited = new InheritedUuids(sql, this.record);
  }
}
