/** `npm run bench`: measures the built gateway against limits of the same run, and what it would be billed. */
import { fail, readOptions, wholeNumber } from "../command-line.ts";
import { cases } from "./cases/all.ts";
import { measureBill } from "./cost/measure-bill.ts";
import type { Figures } from "./figures.ts";
import { Lab } from "./lab.ts";
import { measureStart } from "./start-cost.ts";
import { writeResults } from "./results.ts";
import { billTable, figuresTable } from "./table.ts";

const names = Object.keys(cases);
const usage = `Measures the gateway. tools/bench/README.md says how to read it.

  npm run bench -- [options]

  --only NAMES      some cases, comma-separated: ${names.join(", ")}
  --events 5000     how many deliveries the cases of throughput make
  --webhooks 10000  how many webhooks "many" ends with
  --cost            what a million deliveries would be billed, instead of how fast they are
  --start           the processor time of a delivery under npm start, beside the built Worker
  --help            this text`;

const settings = readSettings();
if (settings.isStart) await printStart();
else if (settings.isCost) await printBill();
else await runCases();

async function runCases(): Promise<void> {
  const lab = await Lab.open(settings.sizes);
  const figures: Figures = {};
  try {
    for (const name of settings.only) {
      console.error(`${name} …`);
      Object.assign(figures, await cases[name]?.(lab));
    }
  } finally {
    await lab.close();
  }
  writeResults({ figures });
  console.log(figuresTable(figures));
}

async function printBill(): Promise<void> {
  const bill = await measureBill();
  writeResults({ bill });
  console.log(billTable(bill));
}

async function printStart(): Promise<void> {
  for (const [name, cpuMs] of Object.entries(await measureStart())) {
    console.log(`${name}: ${cpuMs.toFixed(2)} ms of CPU per delivery`);
  }
}

function readSettings() {
  const options = readOptions(usage, {
    only: { type: "string", default: names.join(",") },
    events: { type: "string", default: "5000" },
    webhooks: { type: "string", default: "10000" },
    cost: { type: "boolean", default: false },
    start: { type: "boolean", default: false },
  });
  const only = options.only.split(",");
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) fail(`--only takes ${names.join(", ")}, not "${unknown}".`, 2);
  return {
    only,
    isCost: options.cost,
    isStart: options.start,
    sizes: {
      events: wholeNumber("--events", options.events, { min: 500, max: 1_000_000 }),
      webhooks: wholeNumber("--webhooks", options.webhooks, { min: 1001, max: 100_000 }),
    },
  };
}
