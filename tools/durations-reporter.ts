/** A vitest reporter that prints how long each test file took, and the files of each project together. */
import type { Reporter, TestModule } from "vitest/node";

export default class Durations implements Reporter {
  /** Prints plain text to standard output after the run, slowest first. A line is `  12.3 s  project  path`. */
  onTestRunEnd(modules: readonly TestModule[]): void {
    console.log(durationLines(modules.map(measure)).join("\n"));
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
