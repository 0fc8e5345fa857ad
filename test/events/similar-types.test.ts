import { describe, expect, it } from "vitest";
import { similarTypes } from "../../src/events/similar-types";
import { orchestEventTypes } from "../../src/events/types";

describe("close event types", () => {
  it.each([
    ["project:craeted", "project:created"],
    ["Project:Created", "project:created"],
    ["project:one-off-job:pipline-run:failed", "project:one-off-job:pipeline-run:failed"],
    ["project:oneoff-job:pipeline-run:failed", "project:one-off-job:pipeline-run:failed"],
    ["project.cron-job.run.failed", "project:cron-job:run:failed"],
    ["jupyter:image-build:fail", "jupyter:image-build:failed"],
  ])("of %s begin with %s", (mistyped, meant) => {
    expect(similarTypes(mistyped)[0]).toBe(meant);
  });

  it("are those that begin with a name that stops early", () => {
    expect(similarTypes("project:cron-job:run:s")).toEqual([
      "project:cron-job:run:started",
      "project:cron-job:run:succeeded",
    ]);
  });

  it("are three at most", () => {
    expect(similarTypes("project:")).toHaveLength(3);
    expect(similarTypes("project:pipeline:creatd").length).toBeLessThanOrEqual(3);
  });

  it.each(["", "x", "ping", "something-else-entirely", "🔥".repeat(20), "x".repeat(10_000)])(
    "of %j there are none",
    (name) => {
      expect(similarTypes(name)).toEqual([]);
    },
  );

  it("are known ones, for every name with a letter too few", () => {
    const firsts = orchestEventTypes.map((type) => similarTypes(type.slice(0, 4) + type.slice(5))[0]);
    expect(firsts).toEqual(orchestEventTypes);
  });
});
