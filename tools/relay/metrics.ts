/** Metrics for Prometheus. They have no labels with hosts, so that they reveal no targets. */

/**
 * `answered`, `failed`: by or for the receiver. `late`: this process was too busy. `refused`: not forwarded, also for lack
 * of files, ports or memory.
 */
export type Result = "answered" | "failed" | "late" | "refused";

const help = {
  orchest_relay_requests_total: "Requests from the gateway, by result.",
  orchest_relay_requests_under_way: "Requests that are being forwarded now.",
  orchest_relay_request_seconds: "How long forwarding took.",
  orchest_relay_connections: "Open connections that this relay made to the gateway.",
} as const;

export class Metrics {
  readonly #results: Record<Result, number> = { answered: 0, failed: 0, late: 0, refused: 0 };
  #seconds = 0;
  #observed = 0;
  /** Requests that are being forwarded. */
  underWay = 0;
  /** Connections to the gateway that are open; only of a relay that dials out. */
  connections = 0;

  count(result: Result): void {
    this.#results[result] += 1;
  }

  /** The duration of one request that was forwarded. */
  observe(seconds: number): void {
    this.#seconds += seconds;
    this.#observed += 1;
  }

  /** Prometheus' text format, version 0.0.4. */
  text(): string {
    const results = Object.entries(this.#results).map(([result, n]) => `{result="${result}"} ${n}`);
    return [
      ...section("orchest_relay_requests_total", "counter", results),
      ...section("orchest_relay_requests_under_way", "gauge", [` ${this.underWay}`]),
      ...section("orchest_relay_request_seconds", "summary", [
        `_sum ${this.#seconds}`,
        `_count ${this.#observed}`,
      ]),
      ...section("orchest_relay_connections", "gauge", [` ${this.connections}`]),
      "",
    ].join("\n");
  }
}

function section(name: keyof typeof help, type: string, samples: string[]): string[] {
  return [
    `# HELP ${name} ${help[name]}`,
    `# TYPE ${name} ${type}`,
    ...samples.map((sample) => name + sample),
  ];
}
