/**
 * With CLOCK_STEP_MS, the clock goes in steps: what a test does within one happens in the same millisecond, as on a machine
 * that is so much faster. No test may depend on which millisecond its steps fall into.
 */
import { env } from "cloudflare:workers";

const stepMs = Number(env.CLOCK_STEP_MS);
const { Date: RealDate } = globalThis;
const now = (): number => Math.floor(RealDate.now() / stepMs) * stepMs;

if (stepMs > 1) {
  globalThis.Date = new Proxy(RealDate, {
    get: (date, name) => (name === "now" ? now : (Reflect.get(date, name) as unknown)),
    construct: (date, values: unknown[], newTarget: Function) =>
      Reflect.construct(date, values.length === 0 ? [now()] : values, newTarget) as Date,
  });
}
