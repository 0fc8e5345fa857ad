/** Two projects: what runs inside workerd with real D1, queues and objects, and whole journeys from outside. */
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { configDefaults, defineConfig } from "vitest/config";

/** The secrets of the tests: none is one. The key is the numbers from 0 to 31. */
const secrets = {
  API_TOKENS: "test-token,second-token",
  ENCRYPTION_KEY: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
  ORCHEST_INGEST_SECRET: "ingest-secret",
};

// Wrangler warns of secrets that are missing in the environment, where there is no .dev.vars.
Object.assign(process.env, secrets);

const workers = cloudflareTest(async () => ({
  wrangler: { configPath: "./wrangler.toml" },
  miniflare: {
    bindings: {
      ...secrets,
      ALLOW_PRIVATE_TARGETS: "false",
      // The model-based test: how often, and from which seed (a new one when it is empty).
      MODEL_RUNS: process.env["MODEL_RUNS"] ?? "50",
      // In CI the same runs every time: what lands must not be a matter of luck. Elsewhere new ones.
      MODEL_SEED: process.env["MODEL_SEED"] ?? (process.env["CI"] ? "145100852" : ""),
      TEST_MIGRATIONS: await readD1Migrations("./migrations"),
    },
    // The internet of the tests: nothing is there that a test did not mock, and no name exists.
    outboundService: ({ url }) =>
      url.startsWith("https://cloudflare-dns.com/")
        ? new Response(JSON.stringify({ Status: 3 }))
        : new Response(`No test answers for ${url}: mock fetch.`, { status: 599 }),
  },
}));

export default defineConfig({
  test: {
    // A request is a line in the log: tests that look at it capture it.
    onConsoleLog: (line) => !line.startsWith('{"level":"info"'),
    projects: [
      {
        plugins: [workers],
        test: {
          name: "workers",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, "test/flow/**", "test/browser/**"],
          setupFiles: ["./test/setup.ts"],
          restoreMocks: true,
          // A test reads the pages' stylesheet, which would be empty otherwise.
          css: true,
        },
      },
      {
        test: {
          name: "flow",
          environment: "node",
          include: ["test/flow/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
