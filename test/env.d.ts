/** What the tests' environment has beside the Worker's own bindings. */
declare namespace Cloudflare {
  interface Env {
    /** The SQL of all migrations, a statement each. */
    TEST_MIGRATIONS: string[];
    /** How often the model-based test runs, and from which seed: a new one when it is empty. */
    MODEL_RUNS: string;
    MODEL_SEED: string;
    /** In which steps the clock goes, in ms. */
    CLOCK_STEP_MS: string;
    /** How many deliveries the lanes of the size tests have. */
    LANE_ROWS: string;
    /** How many events the shards of the size tests have. */
    SHARD_ROWS: string;
  }
}

/** A file's text. */
declare module "*?raw" {
  const text: string;
  export default text;
}
