/** The gateway's Worker, bundled, and its settings from wrangler.toml, for Miniflare. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build, stop } from "esbuild";
import type { V4WorkerOptions } from "miniflare";
import { parse } from "smol-toml";
import { readDevVars } from "./dev-vars.ts";
import { projectDirectory } from "./project-directory.ts";

/** The used settings of wrangler.toml. */
type Config = {
  name: string;
  main: string;
  compatibility_date: string;
  compatibility_flags: string[];
  alias: Record<string, string>;
  vars: Record<string, string>;
  assets: { directory: string; run_worker_first: string[] };
  d1_databases: { binding: string; preview_database_id: string }[];
  durable_objects: { bindings: { name: string; class_name: string }[] };
  queues: {
    producers: { queue: string; binding: string }[];
    consumers: {
      queue: string;
      max_batch_size: number;
      max_batch_timeout: number;
      max_retries: number;
      retry_delay: number;
      dead_letter_queue?: string;
    }[];
  };
  ratelimits: { name: string; namespace_id: string; simple: { limit: number; period: 10 | 60 } }[];
};

/**
 * @param bindings settings that override those of wrangler.toml and `.dev.vars`.
 * @returns the gateway as a Worker of Miniflare.
 */
export async function builtWorker(bindings: Record<string, string>): Promise<V4WorkerOptions> {
  const config = readConfig();
  const script = await bundle(config.main, { alias: config.alias });
  return { ...workerSettings(config, bindings), modules: true, script };
}

/** @returns the local database of wrangler.toml, for Miniflare. */
export function localDatabases(): Record<string, { id: string }> {
  return databasesOf(readConfig());
}

function readConfig(): Config {
  return parse(readFileSync(join(projectDirectory, "wrangler.toml"), "utf8")) as unknown as Config;
}

/** @returns the queues that the gateway consumes. */
export function consumedQueues(): string[] {
  return readConfig().queues.consumers.map(({ queue }) => queue);
}

/** Bundles as `wrangler deploy` does, but for `minify`, so that stack traces can be read: one module, and what the runtime provides stays an import. */
export async function bundle(
  main: string,
  { directory = projectDirectory, alias = {} }: { directory?: string; alias?: Record<string, string> },
): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: directory,
    entryPoints: [main],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    alias,
    external: ["cloudflare:*", "node:*"],
    logLevel: "silent",
  });
  // Its service is a process of its own, of some 100 MB.
  await stop();
  return outputFiles.map(({ text }) => text).join("");
}

function workerSettings(
  config: Config,
  bindings: Record<string, string>,
): Omit<V4WorkerOptions, "modules" | "script"> {
  const { queues, durable_objects: objects, assets } = config;
  return {
    name: config.name,
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: config.compatibility_flags,
    bindings: {
      ...config.vars,
      ...readDevVars(),
      ...bindings,
    },
    d1Databases: databasesOf(config),
    durableObjects: Object.fromEntries(
      objects.bindings.map(({ name, class_name: className }) => [name, { className, useSQLite: true }]),
    ),
    queueProducers: producersOf(queues.producers),
    queueConsumers: Object.fromEntries(
      queues.consumers.map((consumer) => [consumer.queue, queueSettings(consumer)]),
    ),
    ratelimits: Object.fromEntries(
      config.ratelimits.map(({ name, namespace_id, simple }) => [name, { namespace_id, simple }]),
    ),
    assets: {
      directory: join(projectDirectory, assets.directory),
      routerConfig: {
        has_user_worker: true,
        static_routing: { asset_worker: [], user_worker: assets.run_worker_first },
      },
      assetConfig: {
        compatibility_date: config.compatibility_date,
        compatibility_flags: config.compatibility_flags,
      },
    },
  };
}

/**
 * @returns the id by `preview_database_id`, as in wrangler: adding a `database_id` for production does not change it.
 */
function databasesOf({ d1_databases }: Config): Record<string, { id: string }> {
  return Object.fromEntries(d1_databases.map(({ binding, preview_database_id: id }) => [binding, { id }]));
}

/** @returns the queues by the names of their bindings. */
export function producersOf(
  producers: { queue: string; binding: string }[],
): Record<string, { queueName: string }> {
  return Object.fromEntries(producers.map(({ binding, queue: queueName }) => [binding, { queueName }]));
}

function queueSettings(consumer: Config["queues"]["consumers"][number]) {
  return {
    maxBatchSize: consumer.max_batch_size,
    maxBatchTimeout: consumer.max_batch_timeout,
    maxRetries: consumer.max_retries,
    retryDelay: consumer.retry_delay,
    ...(consumer.dead_letter_queue !== undefined && { deadLetterQueue: consumer.dead_letter_queue }),
  };
}
