/** The event that every case and every limit sends: of the size and the shape of Orchest's own. */

/** One of Orchest's types. */
export const eventType = "project:cron-job:run:pipeline-run:failed";

/** The uuid of the n-th project, from 0: webhooks that are to get different events subscribe to different projects. */
export function projectUuid(place: number): string {
  return `00000000-0000-4000-8000-${String(place).padStart(12, "0")}`;
}

/**
 * An event's text, about 700 bytes long.
 * @param sentAtMs when it was published, in ms since 1970 with fractions: the receiver tells from it how long it took.
 */
export function sampleEvent(about: { project: number; job?: number; sentAtMs: number }): string {
  const { project, job = 0, sentAtMs } = about;
  return JSON.stringify({
    uuid: crypto.randomUUID(),
    type: eventType,
    timestamp: "2026-11-02 16:12:25.242592+00:00",
    sent_at_ms: sentAtMs.toFixed(3).padStart(18, "0"),
    project: {
      uuid: projectUuid(project),
      name: "Churn model, weekly",
      url: "https://orchest.example/project?project_uuid=00000000",
      job: {
        uuid: `11111111-0000-4000-8000-${String(job).padStart(12, "0")}`,
        name: "Train and publish",
        status: "STARTED",
        url: "https://orchest.example/job?job_uuid=11111111",
        pipeline_run: {
          uuid: "22222222-0000-4000-8000-000000000000",
          pipeline_name: "train.orchest",
          status: "FAILURE",
          number_in_run: 3,
          parameters: { learning_rate: 0.001, epochs: 12, region: "eu-west", table: "customers_2026" },
        },
      },
    },
  });
}

/** Now, in ms since 1970 with fractions: the same clock in every process of one machine. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
