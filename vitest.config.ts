/**
 * Four projects: inside workerd with real D1, queues and objects; whole journeys from outside; the relay by itself, in
 * Node; the pages in a browser.
 */
import { availableParallelism } from "node:os";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { configDefaults, defineConfig } from "vitest/config";
import Durations from "./tools/durations-reporter.ts";
import LongestFirst from "./tools/longest-first.ts";

/** The end of a test or hook that waits for real processes: only what hangs reaches it. */
const patienceMs = 20 * 60_000;

/** The secrets of the tests: none is one. The key is the numbers from 0 to 31. */
const secrets = {
  API_TOKENS: "test-token-of-the-suite,second-token-of-the-suite",
  ENCRYPTION_KEY: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
  ORCHEST_INGEST_SECRET: "ingest-secret-of-the-suite",
};

// Wrangler warns of secrets that are missing in the environment, where there is no .dev.vars.
Object.assign(process.env, secrets);

const workers = cloudflareTest(async () => ({
  wrangler: { configPath: "./wrangler.toml" },
  miniflare: {
    bindings: {
      ...secrets,
      ALLOW_PRIVATE_TARGETS: "false",
      // The model-based test: how often, and from which seed. The same runs every time: what passes must not be a matter of
      // luck. MODEL_SEED= takes a new seed, to look for what nobody has met yet.
      MODEL_RUNS: process.env["MODEL_RUNS"] ?? "50",
      MODEL_SEED: process.env["MODEL_SEED"] ?? "145100852",
      // In which steps the clock goes (test/coarse-clock.ts).
      CLOCK_STEP_MS: process.env["CLOCK_STEP_MS"] ?? "1",
      // How many deliveries the lanes of the size tests have.
      LANE_ROWS: process.env["LANE_ROWS"] ?? "100000",
      // Few shards: each that a test uses is an object to make and to remove.
      EVENT_SHARDS: "2",
      // And how many events the shards of the size tests have.
      SHARD_ROWS: process.env["SHARD_ROWS"] ?? "100000",
      TEST_MIGRATIONS: (await readD1Migrations("./migrations")).flatMap(({ queries }) => queries),
    },
    // The internet of the tests: nothing is there that a test did not mock, and no name exists. It reads what it is
    // sent: else the connection stays stuck, and what comes next on it.
    outboundService: async (request) => {
      await request.arrayBuffer();
      return request.url.startsWith("https://cloudflare-dns.com/")
        ? new Response(JSON.stringify({ Status: 3 }))
        : new Response(`No test answers for ${request.url}: mock fetch.`, { status: 599 });
    },
  },
}));

export default defineConfig({
  test: {
    // A request is a line in the log: tests that look at it capture it.
    onConsoleLog: (line) => !line.startsWith('{"level":"info"'),
    // One more than there are cores: the flow tests mostly wait.
    maxWorkers: availableParallelism() + 1,
    globalSetup: ["test/flow/temporary-files.ts", "test/flow/gateway-pool.ts"],
    reporters: ["default", new Durations()],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        plugins: [workers],
        test: {
          name: "workers",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, "test/flow/**", "test/relay/**", "test/browser/**"],
          setupFiles: ["./test/setup.ts"],
          restoreMocks: true,
          // One workerd for many files: to start one takes longer than most files' tests. Each test has fresh storage.
          isolate: false,
          // Ends that only a hang reaches, on the slowest machine, too.
          testTimeout: 900_000,
          hookTimeout: 900_000,
          // A test reads the pages' stylesheet, which would be empty otherwise.
          css: true,
        },
      },
      {
        test: {
          name: "flow",
          environment: "node",
          include: ["test/flow/**/*.test.ts"],
          // One process for many files: to start one takes longer than some files' tests.
          isolate: false,
          testTimeout: patienceMs,
          hookTimeout: patienceMs,
        },
      },
      {
        test: {
          name: "relay",
          environment: "node",
          include: ["test/relay/**/*.test.ts"],
          testTimeout: patienceMs,
          hookTimeout: patienceMs,
        },
      },
      {
        test: {
          name: "browser",
          environment: "node",
          include: ["test/browser/**/*.test.ts"],
          // And one browser.
          isolate: false,
          globalSetup: ["test/browser/left-out.ts"],
          testTimeout: patienceMs,
          hookTimeout: patienceMs,
        },
      },
    ],
  },
});
