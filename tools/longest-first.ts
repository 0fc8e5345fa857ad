/** Sorts the test files, so that all cores have work up to the end of a run. */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The files that wait for most of their time, then the longest one: they run beside all others. */
const beforeAll = [
  "test/flow/backlog.test.ts",
  "test/flow/schemathesis.test.ts",
  "test/browser/pages.test.ts",
  "test/flow/kill.test.ts",
];
/** Before the others of their project. */
const beforeOthers = ["test/lane/engine-model.test.ts"];

export default class LongestFirst extends BaseSequencer {
  /** Keeps the files of a project together, which share a process, and otherwise vitest's order: long or large ones first. */
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- a sequencer's method, which changes nothing
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map(({ project }) => project.name))];
    const place = ({ project, moduleId }: TestSpecification): number => {
      const isIt = (path: string): boolean => moduleId.endsWith(`/${path}`);
      const early = beforeAll.findIndex(isIt);
      if (early !== -1) return early;
      return beforeAll.length + projects.indexOf(project.name) + (beforeOthers.some(isIt) ? 0 : 0.5);
    };
    return sorted.toSorted((one, other) => place(one) - place(other));
  }
}
