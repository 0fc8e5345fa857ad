/** Before the browser tests: says so where they are left out, and fails in CI, where they must not be. */
import { missing } from "./chromium.ts";

/** @throws {Error} in CI, without a browser. */
export default function sayWhatIsLeftOut(): void {
  if (missing === null) return;
  if (process.env["CI"]) throw new Error(missing);
  console.warn(`\nThe browser tests are left out. ${missing}\n`);
}
