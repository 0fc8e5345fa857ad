/** A Worker that publishes through the gateway's queue, from its wrangler.toml, for Miniflare. */
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { V4WorkerOptions } from "miniflare";
import { parse } from "smol-toml";
import { bundle, producersOf } from "./built-worker.ts";

/** The used settings of a producer's wrangler.toml. */
type ProducerConfig = {
  name: string;
  main: string;
  compatibility_date: string;
  compatibility_flags?: string[];
  vars?: Record<string, string>;
  queues: { producers: { queue: string; binding: string }[] };
};

/**
 * @param configFile the wrangler.toml of another Worker, which has its `main`, its `vars` and the queues that it
 *   produces for.
 * @param address where it serves.
 * @returns the Worker, to run in the gateway's process, whose queue it then reaches.
 */
export async function producerWorker(
  configFile: string,
  address: { host: string; port: number },
): Promise<V4WorkerOptions> {
  const config = parse(readFileSync(configFile, "utf8")) as unknown as ProducerConfig;
  return {
    name: config.name,
    modules: true,
    script: await bundle(config.main, { directory: dirname(configFile) }),
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: config.compatibility_flags ?? [],
    bindings: config.vars ?? {},
    queueProducers: producersOf(config.queues.producers),
    unsafeDirectSockets: [address],
  };
}
