/** A Worker that publishes through the gateway's queue, from its wrangler.toml, for Miniflare. */
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { V4WorkerOptions } from "miniflare";
import { parse } from "smol-toml";
import { z } from "zod";
import { bundle, consumedQueues, producersOf } from "./built-worker.ts";
import { messageOf } from "./command-line.ts";

const textSchema = z.string({ error: "must be a text" });

/** The used settings of a producer's wrangler.toml. */
const configSchema = z.object({
  name: textSchema,
  main: textSchema,
  compatibility_date: textSchema,
  compatibility_flags: z.array(textSchema).default([]),
  vars: z.record(z.string(), z.json()).default({}),
  queues: z.object(
    {
      producers: z
        .array(z.object({ queue: textSchema, binding: textSchema }), {
          error: "must be a list, as from [[queues.producers]]",
        })
        .nonempty({ error: "must not be empty" }),
    },
    { error: "must have a [[queues.producers]] with the queue and the binding" },
  ),
});

/**
 * @param configFile the wrangler.toml of another Worker, which has its `main`, its `vars` and the queues that it
 *   produces for.
 * @param address where it serves.
 * @returns the Worker, to run in the gateway's process, whose queue it then reaches.
 * @throws {Error} with a sentence when the file cannot be used, or the gateway does not consume a queue of it: what is sent
 *   there would be lost without an error.
 */
export async function producerWorker(
  configFile: string,
  address: { host: string; port: number },
): Promise<V4WorkerOptions> {
  const config = readProducer(configFile);
  return {
    name: config.name,
    modules: true,
    script: await bundle(config.main, { directory: dirname(configFile) }),
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: config.compatibility_flags,
    bindings: config.vars,
    queueProducers: producersOf(config.queues.producers),
    unsafeDirectSockets: [address],
  };
}

function readProducer(configFile: string): z.output<typeof configSchema> {
  const { data, error } = configSchema.safeParse(parseToml(configFile));
  if (data === undefined) {
    const problems = error.issues.map(({ path, message }) => `${path.join(".")}: ${message}.`);
    throw new Error(`The producer cannot run. ${configFile}: ${problems.join(" ")}`);
  }
  const consumed = consumedQueues();
  const lost = data.queues.producers.find(({ queue }) => !consumed.includes(queue));
  if (lost === undefined) return data;
  throw new Error(
    `The producer cannot run. ${configFile}: queue "${lost.queue}" is not one of those that the gateway consumes: ${consumed.join(", ")}.`,
  );
}

function parseToml(configFile: string): unknown {
  try {
    return parse(readFileSync(configFile, "utf8"));
  } catch (cause) {
    throw new Error(
      `The producer cannot run. ${configFile} cannot be read as TOML (${messageOf(cause).trim()}).`,
      { cause },
    );
  }
}
