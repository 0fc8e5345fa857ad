/** Sending what is due: one drain at a time, in the order of the lines. */
import { log } from "../log";
import { deliveryUuid } from "./delivery-uuid";
import type { LaneStorage } from "./lane-storage";
import { type Ready, widthOf } from "./lines";
import { deliveryStatus, type Outgoing } from "./outbox";
import { Pace } from "./pace";
import type { ReplayHead } from "./replays";
import { recordAgain, recordLive, recordPlain } from "./record-attempt";
import type { Message, SentUnder } from "./sender";

/** How long a line waits after a failure of our own; the whole lane, when what was sent cannot be written down. */
const ownFailurePauseMs = 60_000;
/** A drain waits itself for the next attempt that a rate limit allows, if it is this near: an alarm costs more. */
const paceWaitMaxMs = 1000;
/** While live deliveries wait, one in so many is one of the second line. */
const replayEvery = 10;

/** What a drain needs of its lane. */
export type DrainedLane = {
  /** Null once the webhook was deleted: asked again after every wait. */
  storage(): LaneStorage | null;
  /** @throws for failures of ours, before anything was sent. */
  send(message: Message): Promise<SentUnder>;
  /** An attempt was written down. */
  recorded(): void;
  /** Nothing more is sent for now. */
  rest(): void;
  /** Takes the next page of a replay from the archive into the lane. */
  fetchPage(head: ReplayHead & { kind: "fetch" }): Promise<void>;
  /** Runs `work`, which writes with one statement at most. After one that failed, `storage` is another one. */
  write<Result>(work: () => Result): Result;
  /** The same for any number of statements, as one transaction. */
  atomically(work: () => void): void;
};

export class Drain {
  readonly #lane: DrainedLane;
  #running: Promise<void> | undefined;
  readonly #pace = new Pace();
  #replaying = false;
  #liveSinceReplay = 0;
  #pausedUntil = 0;

  constructor(lane: DrainedLane) {
    this.#lane = lane;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Sends what is due, until nothing is or the time is over. Whoever comes second waits for the first. */
  run(until: number): Promise<void> {
    this.#running ??= this.#sendUntil(until).finally(() => {
      this.#running = undefined;
      this.#lane.rest();
    });
    return this.#running;
  }

  /** When something is to be sent next, in ms (long past: at once); null when nothing waits. */
  nextAt(now: number): number | null {
    const storage = this.#sendingStorage();
    if (storage === null) return null;
    const { lines, hasMore, replays } = storage;
    const live = isToBeReformed(storage) ? 0 : lines.nextAt(now, hasMore);
    const again = this.#replaying ? null : (replays.head(now)?.nextAttemptAt ?? null);
    const at = live === null || again === null ? (live ?? again) : Math.min(live, again);
    return at === null ? null : Math.max(at, this.#nextStart(storage), this.#pausedUntil);
  }

  async #sendUntil(until: number): Promise<void> {
    const underWay = new Set<Promise<void>>();
    let startedFrom = this.#lane.storage();
    const startNext = () => {
      const storage = this.#lane.storage();
      if (storage !== startedFrom) {
        // It was read anew and knows nothing of what is under way: that lands first.
        if (underWay.size > 0) return null;
        storage?.reformLines();
        startedFrom = storage;
      }
      return this.#startNext(until);
    };
    for (;;) {
      for (let next = startNext(); next !== null; next = startNext()) {
        const landed = next.finally(() => underWay.delete(landed));
        underWay.add(landed);
      }
      const wait = this.#paceWaitMs(until);
      if (underWay.size === 0 && wait === null) return;
      await Promise.race(wait === null ? underWay : [...underWay, sleep(wait)]);
    }
  }

  /** Starts what may go next, or null when nothing may. */
  #startNext(until: number): Promise<void> | null {
    const now = Date.now();
    const storage = this.#sendingStorage();
    if (storage === null || now >= until || now < this.#pausedUntil || !isInOrder(storage)) return null;
    if (now < this.#nextStart(storage)) return null;
    if (storage.lines.inFlight + (this.#replaying ? 1 : 0) >= widthOf[storage.lines.ordering]) return null;
    const head = this.#replaying ? null : storage.replays.head(now);
    const isReplayDue = head !== null && head.nextAttemptAt <= now;
    if (isReplayDue && this.#liveSinceReplay >= replayEvery - 1) return this.#replay(storage, head);
    while (storage.hasMore && storage.lines.wantsMore(now)) storage.lineUp();
    const ready = storage.lines.take(now);
    if (ready !== null) {
      this.#liveSinceReplay += 1;
      return this.#sendLive(storage, ready);
    }
    return isReplayDue ? this.#replay(storage, head) : null;
  }

  #nextStart(storage: LaneStorage): number {
    return this.#pace.nextStart(rateOf(storage), () => storage.lastStart());
  }

  /** How long to wait for the rate limit, when that is all there is to wait for, and it is short; else null. */
  #paceWaitMs(until: number): number | null {
    const now = Date.now();
    const storage = this.#sendingStorage();
    if (storage === null || now >= until || this.#nextStart(storage) <= now) return null;
    const at = this.nextAt(now);
    const wait = at === null ? null : Math.ceil(at - now);
    return wait !== null && wait <= paceWaitMaxMs ? wait : null;
  }

  /** Null when nothing may be sent: the webhook is paused, disabled or deleted. */
  #sendingStorage(): LaneStorage | null {
    const storage = this.#lane.storage();
    return storage?.record.state === "active" ? storage : null;
  }

  async #sendLive(storage: LaneStorage, { sequence, line, carriedFailures }: Ready): Promise<void> {
    const outgoing = storage.justAccepted.take(sequence) ?? storage.outbox.load(sequence);
    if (outgoing === null || outgoing.status !== deliveryStatus.pending) return storage.lines.leave(line);
    let sent: SentUnder;
    try {
      sent = await this.#send(storage, outgoing);
    } catch (error) {
      logFailure(storage, outgoing, error);
      this.#lane.storage()?.lines.postpone(line, Date.now() + ownFailurePauseMs);
      return;
    }
    const head = { line, failures: carriedFailures + outgoing.attempts + 1 };
    this.#record(outgoing, sent, (current) => {
      if (this.#lane.write(() => recordPlain(current, outgoing, sent, head))) return;
      this.#lane.atomically(() => recordLive(current, outgoing, sent, head));
    });
  }

  /**
   * Writes down what came of an attempt. When that fails, nothing is sent for a while: what is under way lands in that
   * time.
   */
  #record(outgoing: Outgoing, sent: SentUnder, write: (storage: LaneStorage) => void): void {
    const storage = this.#lane.storage();
    if (storage === null) return;
    try {
      write(storage);
      this.#lane.recorded();
      logAttempt(storage, outgoing, sent);
    } catch (error) {
      this.#pausedUntil = Date.now() + ownFailurePauseMs;
      logFailure(storage, outgoing, error);
    }
  }

  async #replay(storage: LaneStorage, head: ReplayHead): Promise<void> {
    this.#replaying = true;
    this.#liveSinceReplay = 0;
    try {
      if (head.kind === "fetch") await this.#lane.fetchPage(head);
      else await this.#sendAgain(storage, head);
    } catch (error) {
      log("error", "replay failed on our side", {
        webhook: storage.record.config?.webhook.uuid,
        error: String(error),
      });
      this.#lane.storage()?.replays.delay(head.position, Date.now() + ownFailurePauseMs);
    } finally {
      this.#replaying = false;
    }
  }

  async #sendAgain(storage: LaneStorage, head: ReplayHead & { kind: "send" }): Promise<void> {
    const outgoing = storage.outbox.load(head.sequence);
    if (outgoing === null) return storage.replays.pass(head.position, head.sequence, Date.now());
    const sent = await this.#send(storage, outgoing, head.replay);
    this.#record(outgoing, sent, (current) =>
      this.#lane.atomically(() => recordAgain(current, outgoing, sent, head)),
    );
  }

  #send(storage: LaneStorage, outgoing: Outgoing, replay: string | null = null): Promise<SentUnder> {
    this.#pace.started(rateOf(storage), Date.now());
    return this.#lane.send({
      deliveryUuid: deliveryUuid(webhookUuid(storage), outgoing.sequence),
      eventType: outgoing.eventType,
      event: outgoing.event,
      place: { sequence: outgoing.sequence, attempt: outgoing.attempts + 1 },
      ...(replay !== null && { replay }),
    });
  }
}

function rateOf(storage: LaneStorage): number | null {
  return storage.record.config?.rateLimitPerS ?? null;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** After a change of the order, what is under way lands first; then the lines are formed anew. */
function isInOrder(storage: LaneStorage): boolean {
  if (isToBeReformed(storage)) storage.reformLines();
  return storage.lines.ordering === storage.record.config?.ordering;
}

/** Whether the lines are still in an order that was given up: in the new one something may go that waits in them. */
function isToBeReformed({ lines, record }: LaneStorage): boolean {
  // Without a configuration nothing was ever taken in.
  return record.config !== null && lines.ordering !== record.config.ordering && lines.inFlight === 0;
}

function webhookUuid(storage: LaneStorage): string {
  const { config } = storage.record;
  if (config === null) throw new Error("The lane has deliveries and no configuration.");
  return config.webhook.uuid;
}

function logAttempt(storage: LaneStorage, outgoing: Outgoing, { result }: SentUnder): void {
  log(result.error === null ? "info" : "warn", "attempt", {
    webhook: webhookUuid(storage),
    sequence: outgoing.sequence,
    event: outgoing.eventUuid,
    type: outgoing.eventType,
    attempt: outgoing.attempts + 1,
    status: result.status,
    error: result.error,
    duration_ms: result.durationMs,
  });
}

/** A failure of ours: the receiver's would be a result. Nothing counts, and nothing is sent again at once. */
function logFailure(storage: LaneStorage, outgoing: Outgoing, error: unknown): void {
  log("error", "delivery failed on our side", {
    webhook: storage.record.config?.webhook.uuid,
    sequence: outgoing.sequence,
    error: String(error),
  });
}
