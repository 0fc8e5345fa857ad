import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { listEventTypes } from "../../src/events/event-types";
import { subscribableEventTypes } from "../../src/events/types";

it("has the same event types in D1 and in the code", async () => {
  expect(await listEventTypes(env)).toEqual(subscribableEventTypes);
});
