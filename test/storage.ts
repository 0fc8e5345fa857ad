/**
 * The storage that every test finds: D1 with its tables and what the migrations put into them, no object and no alarm.
 * To empty it and to make the tables takes longer than most tests: it is done only after a test that used any of it.
 */
import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { EventShard, WebhookLane } from "../src/index";
import { consumerEnds } from "./leftover-messages";
import { wrapMethod } from "./wrap-method";

/** Whether anybody has used D1 or an object since it was emptied. */
let isUsed = true;
let hasTables = false;
/** The ids of the objects that were used since the storage was emptied. */
const usedObjects = new Set<string>();
/** The SQL of what the migrations make: to run them again and again takes twice as long. */
let made: string | undefined;

const uuidPattern = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

const prepare = env.DB.prepare.bind(env.DB);

/** More often than this in a row nothing is emptied in vain. */
const resetsMax = 20;

/**
 * Counts the times that the storage was emptied. A reset may leave any of it as it was, without a word, when work has just ended
 * (workerd): objects whose names are the same in each test have this number in them.
 */
let emptied = 0;

/**
 * For `beforeEach`. Where a reset left D1 as it was, the webhooks of the test before would be told of this one's events: it
 * is then done again. @throws when D1 cannot be emptied.
 */
export async function makeTables(): Promise<void> {
  // What goes on behind the answers of the test before may have used an object since: its events would be found in this test.
  await emptyStorage();
  for (let resets = 0; !hasTables; resets++) {
    try {
      await prepare(made ?? env.TEST_MIGRATIONS.join(";\n")).run();
      made ??= await readMade();
      hasTables = true;
    } catch (error) {
      if (resets === resetsMax || !String(error).includes("already exists")) throw error;
      await reset();
    }
  }
}

/** @returns SQL that makes D1 as it is now. */
async function readMade(): Promise<string> {
  const { results } = await prepare(
    `SELECT name, type, sql FROM sqlite_schema
     WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '_cf_*' ORDER BY rowid`,
  ).all<{ name: string; type: string; sql: string }>();
  const sqlOf = (isIt: (type: string) => boolean) =>
    results.filter(({ type }) => isIt(type)).map(({ sql }) => sql);
  const rows: string[] = [];
  for (const { name, type } of results) if (type === "table") rows.push(...(await readRows(name)));
  // Triggers have done what they do for these rows.
  return [...sqlOf((type) => type !== "trigger"), ...rows, ...sqlOf((type) => type === "trigger")].join(
    ";\n",
  );
}

/** @returns an INSERT for each row of a table. */
async function readRows(table: string): Promise<string[]> {
  const { results } = await prepare(`SELECT * FROM "${table}"`).all();
  return results.map(
    (row) => `INSERT INTO "${table}" VALUES (${Object.values(row).map(literal).join(", ")})`,
  );
}

function literal(value: unknown): string {
  if (value === null) return "NULL";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return `'${value.replaceAll("'", "''")}'`;
  throw new Error("The migrations store something that is neither a number nor a text.");
}

/** For `afterEach`: removes all rows and tables, and all objects with their alarms. */
export async function emptyStorage(): Promise<void> {
  // A consumer that is under way finds nothing any more, and ends: but it has used objects once more.
  while (isUsed) {
    await reset();
    emptied += 1;
    [isUsed, hasTables] = [false, false];
    usedObjects.clear();
    await consumerEnds();
  }
}

// Whatever is done with D1 or an object begins with one of these.
watchUse(env.DB, ["prepare", "batch", "exec", "withSession"]);
// All classes of objects have one prototype.
watchUse(env.LANES, ["get", "getByName"], {
  argument: nameInTest,
  result: (stub) => usedObjects.add(String(Reflect.get(Object(stub), "id"))),
});

// An alarm that fires while the storage is emptied makes an object anew that nobody has used: it would take part in the next test.
for (const { prototype } of [EventShard, WebhookLane]) {
  const alarm = Reflect.get(prototype, "alarm");
  prototype.alarm = async function unlessUnused(this: { ctx: DurableObjectState } & typeof prototype) {
    if (usedObjects.has(String(this.ctx.id))) await alarm.call(this);
  };
}

/** Notes each call of these methods. @param on as for `wrapMethod`. */
function watchUse(binding: object, methods: string[], on: Parameters<typeof wrapMethod>[2] = {}): void {
  const argument = (given: unknown): unknown => {
    isUsed = true;
    return on.argument === undefined ? given : on.argument(given);
  };
  for (const name of methods) wrapMethod(binding, name, { ...on, argument });
}

/** An object's name with the number of the test in it. A lane's is its webhook's UUID, which is new in each test anyway. */
function nameInTest(given: unknown): unknown {
  return typeof given === "string" && !uuidPattern.test(given) ? `test-${emptied}-${given}` : given;
}
