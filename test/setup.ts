/**
 * Every test starts with a fresh, migrated database and with no object, alarm or message of another, and ends with a
 * look at what was answered and logged in it: no secret may be there.
 */
import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { leaks } from "./secrets";

/** On a busy machine the second that vitest waits is too short. Nothing waits longer than it must. */
const patienceMs = 15_000;

const { waitFor } = vi;
vi.waitFor = (callback, options) =>
  waitFor(callback, {
    timeout: patienceMs,
    ...(typeof options === "number" ? { timeout: options } : options),
  });

beforeEach(() => applyD1Migrations(env.DB, env.TEST_MIGRATIONS));
afterEach(() => expect(leaks()).toEqual([]));
afterEach(() => reset());
