/**
 * Every test starts with a fresh, migrated database and with no object, alarm or message of another, and ends with a
 * look at what was answered and logged in it: no secret may be there.
 */
// Before anything that keeps the clock.
import "./coarse-clock";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { resumeSending } from "../src/lane/planned-stop";
import { forgetAllFailedWrites } from "../src/lane/storage-check";
import { forgetSlots } from "../src/lane/attempt-slots";
import { forgetConnections } from "../src/send/stale-connections";
import { leaveMessagesBehind } from "./leftover-messages";
import { expectRealTime, restartClock } from "./clock";
import { leaks, printLog } from "./secrets";
import { emptyStorage, makeTables } from "./storage";
import { waitFor } from "./wait-for";

vi.waitFor = waitFor;

// The last of all: hooks that come after a test run in reverse.
afterEach(() => printLog(false));
beforeEach(() => printLog(true));
beforeEach(expectRealTime);
// Before the tables are made: no consumer of another test may use them.
beforeEach(leaveMessagesBehind);
beforeEach(makeTables);
beforeEach(forgetConnections);
beforeEach(forgetSlots);
beforeEach(forgetAllFailedWrites);
beforeEach(resumeSending);
afterEach(() => expect(leaks()).toEqual([]));
afterEach(emptyStorage);
afterEach(leaveMessagesBehind);
afterEach(restartClock);
