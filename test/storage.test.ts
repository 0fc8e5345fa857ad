import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { shardStub } from "../src/events/shard/shard-of";

/** The ids of shard 0 in the tests so far. */
const ids = new Set<string>();

describe("a shard", () => {
  it.each(["in a test", "in the next one"])("has an object of its own %s, whatever a reset left", () => {
    const stub = shardStub(env, 0);
    expect(ids).not.toContain(String(stub.id));
    ids.add(String(stub.id));
    expect(String(shardStub(env, 0).id)).toBe(String(stub.id));
    expect(String(shardStub(env, 1).id)).not.toBe(String(stub.id));
    expect(stub.id.name).toMatch(/shard-0$/);
  });
});
