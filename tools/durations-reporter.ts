/**
 * A vitest reporter that prints how long each test file took, the files of each project together, and once more, as the
 * last thing, what failed: of a long output often only the end is kept.
 */
import type { Reporter, SerializedError, TestModule } from "vitest/node";

export default class Durations implements Reporter {
  /**
   * Prints plain text to standard output after the run, slowest first. A line is `  12.3 s  project  path`; a failure is
   * its file and test, and the first lines of its error. `unhandled` are errors outside any test.
   */
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    console.log(durationLines(modules.map(measure)).join("\n"));
    const failures = [
      ...modules.flatMap(failuresOf),
      ...unhandled.map((error) => failure("Outside any test", error)),
    ];
    if (failures.length > 0) console.log(["What failed:", ...failures, ""].join("\n"));
  }
}

type Measured = { project: string; path: string; ms: number };

/** The time of a file includes its environment, imports, set-up, hooks and tests. */
function measure(module: TestModule): Measured {
  const { environmentSetupDuration, prepareDuration, collectDuration, setupDuration, duration } =
    module.diagnostic();
  const ms = environmentSetupDuration + prepareDuration + collectDuration + setupDuration + duration;
  return { project: module.project.name, path: module.relativeModuleId, ms };
}

/** Of a file: the errors of itself, of its groups and of its tests. */
function failuresOf(module: TestModule): string[] {
  const path = module.relativeModuleId;
  return [
    ...module.errors().map((error) => failure(path, error)),
    ...[...module.children.allSuites()].flatMap((group) =>
      group.errors().map((error) => failure(`${path} > ${group.fullName}`, error)),
    ),
    ...[...module.children.allTests("failed")].flatMap((test) =>
      (test.result().errors ?? []).map((error) => failure(`${path} > ${test.fullName}`, error)),
    ),
  ];
}

function failure(where: string, { message, stack = "" }: Pick<SerializedError, "message" | "stack">): string {
  const place = stack.split("\n").find((line) => line.includes("/test/")) ?? "";
  return [where, ...message.split("\n").slice(0, 6), place.trim()].join("\n    ").trimEnd();
}

function durationLines(files: Measured[]): string[] {
  const totals = Object.entries(Object.groupBy(files, ({ project }) => project)).map(([project, of = []]) => {
    const ms = of.reduce((sum, file) => sum + file.ms, 0);
    return { project, path: `${of.length} files together`, ms };
  });
  return [
    "\nTime per test file:",
    ...files.toSorted((one, other) => other.ms - one.ms).map(line),
    "\nTime per project (its files run side by side):",
    ...totals.toSorted((one, other) => other.ms - one.ms).map(line),
    "",
  ];
}

function line({ project, path, ms }: Measured): string {
  return `${(ms / 1000).toFixed(1).padStart(7)} s  ${project.padEnd(8)} ${path}`;
}
