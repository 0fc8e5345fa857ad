import { describe, expect, it } from "vitest";
import { sampleEvent } from "../../../src/events/sample-event";
import { orchestEventTypes } from "../../../src/events/types";
import { sentenceOf } from "../../../src/send/message/sentence";
import { forAll } from "../../for-all";

const nowhere = { orchestUrl: null };

function sample(type: string): Record<string, unknown> {
  return sampleEvent(type, { now: 0, uuid: () => "0f3b5a52-6c0e-4a55-8d7b-7a3c6c0d1e2f" });
}

function title(event: unknown): string {
  return sentenceOf(event, nowhere).title;
}

/** A run of a one-off job. */
function jobRun(run: Record<string, unknown>, state = "failed"): Record<string, unknown> {
  const type = `project:one-off-job:pipeline-run:${state}`;
  return { type, project: { name: "Sales", job: { name: "Forecast", total_runs: 4, pipeline_run: run } } };
}

describe("the sentence of an event", () => {
  it("says who did what, where, and which part of it", () =>
    forAll(
      [
        ["project:created", "Project Churn prediction was created"],
        ["project:updated", "Project Churn prediction was updated: now Churn forecast"],
        ["project:environment:image-build:failed", "An environment image build failed in Churn prediction"],
        ["project:pipeline:deleted", "Pipeline Train and evaluate was deleted in Churn prediction"],
        [
          "project:pipeline:interactive-session:service-restarted",
          "The interactive session of Train and evaluate had a service restarted in Churn prediction",
        ],
        [
          "project:pipeline:interactive-session:pipeline-run:failed",
          "A run of Train and evaluate failed in Churn prediction: step Train model",
        ],
        [
          "project:one-off-job:updated",
          "Job Retrain on last quarter was updated in Churn prediction: now Retrain on last quarter, larger model",
        ],
        [
          "project:one-off-job:pipeline-run:failed",
          "Retrain on last quarter failed in Churn prediction: run 3, step Train model",
        ],
        [
          "project:one-off-job:pipeline-run:deleted",
          "A run of Retrain on last quarter was deleted in Churn prediction: run 3",
        ],
        ["project:cron-job:unpaused", "Cron job Nightly retraining was resumed in Churn prediction"],
        ["project:cron-job:run:failed", "Nightly retraining failed in Churn prediction: run 17"],
        [
          "project:cron-job:run:pipeline-run:failed",
          "Nightly retraining failed in Churn prediction: run 17, step Train model",
        ],
        ["jupyter:image-build:succeeded", "The JupyterLab image build succeeded"],
      ] as const,
      (type, expected) => expect(title(sample(type))).toBe(expected),
    ));

  it("is one of its own for each of Orchest's types: none falls back, and each tells its project", () =>
    forAll(orchestEventTypes, (type) => {
      const { title: shown, facts } = sentenceOf(sample(type), nowhere);
      expect(shown).toMatch(/^\p{Lu}/u);
      expect(shown).not.toMatch(/:\s*(?:created|failed|succeeded|started|updated|deleted)$/);
      const project = facts.find(({ label }) => label === "Project")?.value;
      expect(project).toBe(type.startsWith("project:") ? "Churn prediction" : undefined);
    }));

  it("tells the outcome by the type's last part", () =>
    forAll(
      [
        ["project:cron-job:run:succeeded", "success"],
        ["project:cron-job:run:failed", "failure"],
        ["project:one-off-job:cancelled", "cancelled"],
        ["project:one-off-job:started", "started"],
        ["project:created", "info"],
        ["something:new:failed", "failure"],
        ["something:new", "info"],
      ] as const,
      (type, outcome) => expect(sentenceOf({ type }, nowhere).outcome).toBe(outcome),
    ));

  it("tells of the gateway's own webhooks", () =>
    forAll(
      [
        [
          { type: "webhook:disabled", reason: "The receiver answered 410." },
          "Webhook Ops was disabled: The receiver answered 410.",
        ],
        [{ type: "webhook:delivery-dead" }, "A delivery of webhook Ops was given up"],
        [{ type: "webhook:recovered" }, "Webhook Ops works again"],
      ] as const,
      (event, expected) => expect(title({ ...event, webhook: { name: "Ops" } })).toBe(expected),
    ));

  it("tells which event was given up, and why, of a service that answered as of one that did not", () => {
    const delivery = { event_type: "project:created", error: "http_4xx" };
    const event = { type: "webhook:delivery-dead", delivery };
    expect(sentenceOf({ ...event, webhook: { name: "Ops" } }, nowhere).facts).toEqual([
      { label: "Webhook", value: "Ops" },
      { label: "Event", value: "project:created" },
      { label: "Error", value: "http_4xx" },
    ]);
    expect(title(event)).toBe("A delivery of a webhook was given up");
  });

  it("is tidy for a type that nobody knows yet", () => {
    const event = { type: "project:data-set:imported", project: { name: "Sales" } };
    expect(title(event)).toBe("Data set: imported in Sales");
  });

  it("stands for whatever was sent in", () =>
    forAll(
      [
        [null, "An event without a type"],
        [[], "An event without a type"],
        [{ type: 5 }, "An event without a type"],
        [{ type: "::" }, "An event without a type"],
        [{ type: "__proto__" }, "Proto"],
        [{ type: "project:constructor" }, "Project: constructor"],
        [{ type: "project:cron-job:run:failed", project: [] }, "A cron job's run failed"],
        [{ type: "project:created", project: { name: { toString: "x" } } }, "A project was created"],
        [{ type: "project:created", project: { name: " \n " } }, "A project was created"],
      ] as const,
      (event, expected) => expect(title(event)).toBe(expected),
    ));
});

describe("names in a sentence", () => {
  it("stay in one line, in their direction of writing, and whole characters", () =>
    forAll(
      [
        ["a\r\nb\u0000c", "a b c"],
        ["invoice\u202Egpj.exe", "invoicegpj.exe"],
        ["a\uD800b", "a\uFFFDb"],
        ["👩‍🔬 lab", "👩‍🔬 lab"],
      ] as const,
      (name, shown) =>
        expect(title({ type: "project:created", project: { name } })).toBe(`Project ${shown} was created`),
    ));

  it("are cut at 120 characters, and no character is split", () => {
    const name = "😀".repeat(200);
    expect(title({ type: "project:created", project: { name } })).toBe(
      `Project ${"😀".repeat(119)}… was created`,
    );
    const fits = "😀".repeat(120);
    expect(title({ type: "project:created", project: { name: fits } })).toBe(`Project ${fits} was created`);
  });

  it("are not escaped here: markup stays what it was", () => {
    const name = "<!channel> @everyone *x* <https://a|b>";
    expect(title({ type: "project:created", project: { name } })).toContain(name);
  });
});

describe("the facts of a sentence", () => {
  it("are what a person asks next, the most important first", () => {
    const { facts, text } = sentenceOf(sample("project:cron-job:run:pipeline-run:failed"), nowhere);
    expect(facts).toEqual([
      { label: "Project", value: "Churn prediction" },
      { label: "Job", value: "Nightly retraining" },
      { label: "Pipeline", value: "Train and evaluate" },
      { label: "Failed step", value: "Train model" },
      { label: "Run", value: "17" },
      { label: "Parameters", value: "epochs = 20, learning_rate = 0.001, segment = retail" },
    ]);
    expect(text.split("\n")[3]).toBe("Pipeline: Train and evaluate");
  });

  it("name five failed steps and count the others", () => {
    const steps = Array.from({ length: 7 }, (_, index) => ({ title: `s${index + 1}` }));
    expect(title(jobRun({ failed_steps: steps }))).toBe(
      "Forecast failed in Sales: steps s1, s2, s3, s4, s5 and 2 more",
    );
    expect(title(jobRun({ failed_steps: steps.slice(0, 5) }))).toBe(
      "Forecast failed in Sales: steps s1, s2, s3, s4, s5",
    );
  });

  it("have the place among a job's runs", () => {
    const { facts } = sentenceOf(jobRun({ number: 0 }), nowhere);
    expect(facts).toContainEqual({ label: "Run", value: "0 of 4" });
  });

  it("are absent where the event has something else", () => {
    const { facts } = sentenceOf(jobRun({ number: -1, failed_steps: "x", parameters: [1] }), nowhere);
    expect(facts.map(({ label }) => label)).toEqual(["Project", "Job"]);
  });

  it("are bounded, whatever the event holds", () => {
    const parameters = Object.fromEntries(
      Array.from({ length: 2000 }, (_, index) => [
        `step${index}`,
        { parameters: { [`p${index}`]: "x".repeat(40) } },
      ]),
    );
    const { text } = sentenceOf(jobRun({ parameters }), nowhere);
    expect(text).toContain("p9 = ");
    expect(text).not.toContain("p10 = ");
    expect(text.length).toBeLessThan(1500);
  });
});

describe("the link of a sentence", () => {
  it("leads to the innermost page", () => {
    const { link } = sentenceOf(jobRun({ url_path: "/job-run?run_uuid=1" }), {
      orchestUrl: "https://orchest.example/base/",
    });
    expect(link).toBe("https://orchest.example/base/job-run?run_uuid=1");
  });

  it("is absent without an address of Orchest, and never leads out of it", () => {
    expect(sentenceOf(jobRun({ url_path: "/job" }), nowhere).link).toBeNull();
    return forAll(
      [
        "//evil.example/x",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "@evil.example",
        "",
        5,
      ],
      (path) => {
        const { link } = sentenceOf(jobRun({ url_path: path }), { orchestUrl: "https://orchest.example" });
        expect(link).toBeNull();
      },
    );
  });
});
