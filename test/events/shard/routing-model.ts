/**
 * A model of how a change of routing reaches two event shards, and every way in which its steps can interleave: writers that
 * die, shards that restart, messages that are lost or late, and a D1 that is gone or executes a batch after its caller gave up.
 */

/** `announce` is the gateway's. Each of the others differs from it in one thing. */
export const protocols = [
  "announce",
  /** The shards apply a change, and then it is committed. */
  "apply before commit",
  /** The shards are told only after the commit; a writer that finds its change in D1 has nothing to do. */
  "tell after commit",
  /** Announcements are kept in memory only. */
  "forget at a restart",
  /** A publish waits for a pull that is under way. */
  "share an earlier pull",
  /** An announcement that grew old is dropped by a pull, though the commit may still arrive. */
  "drop without voiding",
  /** A change is withdrawn whenever its commit failed, though it may have happened. */
  "withdraw when unsure",
] as const;
type Protocol = (typeof protocols)[number];

/** Bits: change 1, change 2. */
type Changes = number;
const shards = [0, 1] as const;

type Pull = {
  /** What D1 said; null before it was asked. */
  read: { changes: Changes; settled: Changes } | null;
  /** Which publishes wait for it, and which changes it applies. */
  publishes: number;
  applies: Changes;
};

type Shard = {
  changes: Changes;
  open: Changes;
  abandoned: Changes;
  pull: Pull | null;
  next: { publishes: number; applies: Changes } | null;
};

const places = [
  "start",
  "announce 0",
  "announce 1",
  "early apply 0",
  "early apply 1",
  "commit",
  "tell 0",
  "tell 1",
  "settle",
  "answer",
  "apply 0",
  "apply 1",
  "withdraw 0",
  "withdraw 1",
  "abandon 0",
  "abandon 1",
  "end",
] as const;
type Writer = { at: (typeof places)[number] };

/** `must`: the changes that were answered when it started; null: it has not started, or has ended. */
type Publish = { has: "not started" | "started" | "ended"; must: Changes };

type State = {
  faults: number;
  isGone: boolean;
  committed: Changes;
  voided: Changes;
  /** Batches that D1 will execute though their writer has given them up. */
  inFlight: Changes;
  /** Announcements that arrive at a shard after their writer has given them up. */
  late: [Changes, Changes];
  answered: Changes;
  shards: [Shard, Shard];
  writers: Writer[];
  publishes: Publish[];
};

/** Where publishes go: the first two to the same shard. */
const shardOfPublish = [1, 1, 0] as const;

export type Setting = { protocol: Protocol; writers: number; publishes: number; faults: number };
export type Result = { states: number; violation: string[] | null };

/** Visits every state that can be reached. @returns how many there are, and the shortest way to one that must not be. */
export function explore(setting: Setting): Result {
  const first = start(setting);
  const seen = new Set([key(first)]);
  type Visited = { state: State; label: string; before: Visited | null };
  const queue: Visited[] = [{ state: first, label: "start", before: null }];
  for (let index = 0; index < queue.length; index += 1) {
    const visited = queue[index];
    if (visited === undefined) break;
    for (const [label, state, wrong] of steps(visited.state, setting)) {
      if (wrong !== null) {
        const labels = [wrong, label];
        for (let at: Visited | null = visited; at !== null; at = at.before) labels.push(at.label);
        return { states: seen.size, violation: labels.toReversed() };
      }
      const known = key(state);
      if (seen.has(known)) continue;
      seen.add(known);
      queue.push({ state, label, before: visited });
    }
  }
  return { states: seen.size, violation: null };
}

function newShard(): Shard {
  return { changes: 0, open: 0, abandoned: 0, pull: null, next: null };
}

function start({ writers, publishes, faults }: Setting): State {
  return {
    faults,
    isGone: false,
    committed: 0,
    voided: 0,
    inFlight: 0,
    late: [0, 0],
    answered: 0,
    shards: [newShard(), newShard()],
    writers: Array.from({ length: writers }, () => ({ at: "start" })),
    publishes: Array.from({ length: publishes }, () => ({ has: "not started", must: 0 })),
  };
}

/** Every number is below 16, and so is a writer's place in `places`. */
function key(state: State): string {
  const numbers = [
    state.faults,
    state.isGone ? 1 : 0,
    state.committed,
    state.voided,
    state.inFlight,
    state.answered,
  ];
  numbers.push(...state.late);
  for (const { changes, open, abandoned, pull, next } of state.shards) {
    numbers.push(changes, open, abandoned, pull === null ? 9 : pull.publishes, pull?.applies ?? 0);
    numbers.push(
      pull?.read?.changes ?? 9,
      pull?.read?.settled ?? 0,
      next?.publishes ?? 9,
      next?.applies ?? 0,
    );
  }
  for (const { at } of state.writers) numbers.push(places.indexOf(at));
  for (const { has, must } of state.publishes)
    numbers.push(has === "started" ? must : has === "ended" ? 8 : 9);
  return String.fromCharCode(...numbers);
}

type Step = [label: string, after: State, wrong: string | null];

function steps(state: State, setting: Setting): Step[] {
  const found: Step[] = [];
  /** @param cost how many faults it is. @param change on a copy; says what is wrong then. */
  const step = (label: string, cost: 0 | 1, change: (copy: State) => string | void): void => {
    if (cost > state.faults) return;
    const copy = structuredCopy(state);
    copy.faults -= cost;
    const wrong = change(copy) ?? strayShard(copy, setting);
    found.push([label, copy, wrong]);
  };
  databaseSteps(state, step);
  for (const index of state.writers.keys()) writerSteps(state, setting, index, step);
  for (const shard of shards) shardSteps(state, setting, shard, step);
  for (const index of state.publishes.keys()) publishSteps(state, setting, index, step);
  return found;
}

type AddStep = (label: string, cost: 0 | 1, change: (copy: State) => string | void) => void;

/** A shard without an announcement must have all that D1 has: it asks nobody. */
function strayShard(state: State, { protocol }: Setting): string | null {
  if (protocol === "tell after commit") return null;
  for (const { changes, open, abandoned } of state.shards) {
    if (((open | abandoned) & state.committed & ~changes) !== 0) continue;
    if ((state.committed & ~changes) !== 0) return "a shard without an announcement lacks a change";
  }
  return null;
}

function databaseSteps(state: State, step: AddStep): void {
  if (state.isGone) step("D1 is back", 0, (copy) => void (copy.isGone = false));
  else step("D1 is gone", 1, (copy) => void (copy.isGone = true));
  if (state.inFlight !== 0 && !state.isGone) {
    step("D1 executes a late batch", 0, (copy) => {
      copy.committed |= copy.inFlight & ~copy.voided;
      copy.inFlight = 0;
    });
  }
  for (const shard of shards) {
    if (state.late[shard] === 0) continue;
    step(`a late announcement reaches shard ${shard}`, 0, (copy) => {
      copy.shards[shard].open |= copy.late[shard];
      copy.late[shard] = 0;
    });
  }
}

function writerSteps(state: State, { protocol }: Setting, index: number, step: AddStep): void {
  const writer = state.writers[index];
  if (writer === undefined || writer.at === "end") return;
  const change = 1 << index;
  const name = `writer ${index + 1}`;
  const go = (
    label: string,
    next: Writer["at"],
    { cost = 0, also }: { cost?: 0 | 1; also?: (copy: State) => void } = {},
  ): void =>
    step(`${name} ${label}`, cost, (copy) => {
      const moved = copy.writers[index];
      if (moved !== undefined) moved.at = next;
      also?.(copy);
    });

  if (writer.at !== "start") go("dies", "end", { cost: 1 });

  const announce = (shard: 0 | 1, next: Writer["at"]): void => {
    const arrive = (copy: State): void => void (copy.shards[shard].open |= change);
    go(`announces at ${shard}`, next, { also: arrive });
    go(`cannot reach shard ${shard}`, "withdraw 0", { cost: 1 });
    go(`gets no answer from shard ${shard}`, "withdraw 0", { cost: 1, also: arrive });
    const late = (copy: State): void => void (copy.late[shard] |= change);
    go(`gives shard ${shard} up`, "withdraw 0", { cost: 1, also: late });
  };
  const tell = (
    what: "apply" | "withdraw" | "abandon",
    shard: 0 | 1,
    next: Writer["at"],
    otherwise = next,
  ): void => {
    go(`cannot tell shard ${shard} to ${what}`, otherwise, { cost: 1 });
    go(`tells shard ${shard} to ${what}`, next, {
      also: (copy) => {
        const told = copy.shards[shard];
        if (what === "apply") requestPull(told, { publishes: 0, applies: change }, false);
        if (what === "withdraw") forget(told, change);
        if (what === "abandon" && (told.open & change) !== 0) {
          told.open &= ~change;
          told.abandoned |= change;
        }
      },
    });
  };

  switch (writer.at) {
    case "start":
      if (state.isGone) go("finds no D1", "end");
      else if (protocol === "tell after commit") {
        if (state.committed !== 0) go("finds the change in D1", "answer");
        else go("begins", "commit");
      } else go("begins", "announce 0");
      return;
    case "announce 0":
      return announce(0, "announce 1");
    case "announce 1":
      return announce(1, protocol === "apply before commit" ? "early apply 0" : "commit");
    case "early apply 0":
      return tell("apply", 0, "early apply 1");
    case "early apply 1":
      return tell("apply", 1, "commit");
    case "commit": {
      const commit = (copy: State): void => void (copy.committed |= change);
      const failed = protocol === "withdraw when unsure" ? "withdraw 0" : "settle";
      if (state.isGone || (state.voided & change) !== 0) return go("cannot commit", failed);
      go("commits", protocol === "tell after commit" ? "tell 0" : "answer", { also: commit });
      go("commits, and gets no answer", failed, { cost: 1, also: commit });
      go("gives a commit up", failed, { cost: 1, also: (copy) => void (copy.inFlight |= change) });
      return go("fails to commit", failed, { cost: 1 });
    }
    case "tell 0":
      return tell("apply", 0, "tell 1", "end");
    case "tell 1":
      return tell("apply", 1, "answer", "end");
    case "settle":
      if (state.isGone) return go("cannot settle", "abandon 0");
      if ((state.committed & change) !== 0) return go("finds it committed", "apply 0");
      return go("makes it void", "withdraw 0", { also: (copy) => void (copy.voided |= change) });
    case "answer":
      return go("answers", "apply 0", { also: (copy) => void (copy.answered |= change) });
    case "apply 0":
      return tell("apply", 0, "apply 1");
    case "apply 1":
      return tell("apply", 1, "end");
    case "withdraw 0":
      return tell("withdraw", 0, "withdraw 1");
    case "withdraw 1":
      return tell("withdraw", 1, "end");
    case "abandon 0":
      return tell("abandon", 0, "abandon 1");
    case "abandon 1":
      return tell("abandon", 1, "end");
  }
}

function shardSteps(state: State, { protocol }: Setting, index: 0 | 1, step: AddStep): void {
  const shard = state.shards[index];
  const isIdle = shard.pull === null && shard.next === null;
  if (!isIdle || (protocol === "forget at a restart" && shard.open !== 0)) {
    step(`shard ${index} restarts`, 1, (copy) => {
      const restarted = copy.shards[index];
      for (const pull of [restarted.pull, restarted.next]) endPublishes(copy, pull?.publishes ?? 0);
      [restarted.pull, restarted.next] = [null, null];
      if (protocol === "forget at a restart") restarted.open = 0;
    });
  }
  if (isIdle && (shard.open | shard.abandoned) !== 0 && !state.isGone) {
    step(`shard ${index} finds its announcements old`, 0, (copy) => {
      const old = copy.shards[index];
      const announced = old.open | old.abandoned;
      if (protocol !== "drop without voiding") copy.voided |= announced & ~copy.committed;
      const applies = protocol === "drop without voiding" ? announced : 0;
      requestPull(old, { publishes: 0, applies }, false);
    });
  }
  if (shard.pull === null) return;
  if (shard.pull.read === null) {
    if (state.isGone) {
      step(`shard ${index} cannot pull`, 0, (copy) => {
        endPublishes(copy, endPull(copy.shards[index]).publishes);
      });
      return;
    }
    step(`shard ${index} reads D1`, 0, (copy) => {
      const { pull } = copy.shards[index];
      if (pull !== null) pull.read = { changes: copy.committed, settled: copy.committed | copy.voided };
    });
    return;
  }
  step(`shard ${index} has pulled`, 0, (copy) => {
    const pulled = copy.shards[index];
    const { read, applies, publishes } = endPull(pulled);
    pulled.changes = read?.changes ?? 0;
    forget(pulled, applies | (protocol === "drop without voiding" ? 0 : (read?.settled ?? 0)));
    return matchAll(copy, pulled.changes, publishes);
  });
}

function publishSteps(state: State, { protocol }: Setting, index: number, step: AddStep): void {
  const shard = shardOfPublish[index] ?? 0;
  if (state.publishes[index]?.has !== "not started") return;
  step(`publish ${index + 1} reaches shard ${shard}`, 0, (copy) => {
    const publish = copy.publishes[index];
    if (publish === undefined) return;
    publish.has = "started";
    publish.must = copy.answered;
    const asked = copy.shards[shard];
    if (asked.open === 0) return matchAll(copy, asked.changes, 1 << index);
    requestPull(asked, { publishes: 1 << index, applies: 0 }, protocol === "share an earlier pull");
  });
}

/** Publishes match by these changes. @returns what is wrong with that. */
function matchAll(state: State, changes: Changes, publishes: number): string | undefined {
  const lacks = state.publishes.some(
    ({ must }, index) => (publishes & (1 << index)) !== 0 && (must & ~changes) !== 0,
  );
  endPublishes(state, publishes);
  return lacks ? "a publish does not see a change that was answered before it" : undefined;
}

function endPublishes(state: State, publishes: number): void {
  for (const [index, publish] of state.publishes.entries()) {
    if ((publishes & (1 << index)) !== 0) [publish.has, publish.must] = ["ended", 0];
  }
}

function requestPull(
  shard: Shard,
  { publishes, applies }: { publishes: number; applies: Changes },
  isShared: boolean,
): void {
  if (shard.pull === null) shard.pull = { read: null, publishes, applies };
  else if (isShared) {
    shard.pull.publishes |= publishes;
    shard.pull.applies |= applies;
  } else {
    shard.next ??= { publishes: 0, applies: 0 };
    shard.next.publishes |= publishes;
    shard.next.applies |= applies;
  }
}

/** The pull that waits begins. @returns the one that ends. */
function endPull(shard: Shard): Pull {
  const ended = shard.pull ?? { read: null, publishes: 0, applies: 0 };
  shard.pull = shard.next === null ? null : { read: null, ...shard.next };
  shard.next = null;
  return ended;
}

function forget(shard: Shard, changes: Changes): void {
  shard.open &= ~changes;
  shard.abandoned &= ~changes;
}

/** Much faster than `structuredClone`. */
function structuredCopy(state: State): State {
  const [first, second] = state.shards;
  return {
    ...state,
    late: [...state.late],
    shards: [copyOfShard(first), copyOfShard(second)],
    writers: state.writers.map((writer) => ({ ...writer })),
    publishes: state.publishes.map((publish) => ({ ...publish })),
  };
}

function copyOfShard(shard: Shard): Shard {
  return { ...shard, pull: shard.pull && { ...shard.pull }, next: shard.next && { ...shard.next } };
}
