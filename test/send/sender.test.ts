import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createSender } from "../../src/send/sender";
import { hanging, receiver } from "../receiver";

const setup = {
  env,
  webhook: {
    uuid: "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d",
    name: "Alerts",
    verifySsl: true,
    contentType: "application/json",
  },
  settings: { url: "https://hooks.example.com/", secret: "secret" },
  rules: {
    allowPrivateTargets: false,
    allowHttpTargets: true,
    gatewayHosts: [],
    orchestUrl: null,
    egresses: [],
  },
} as const;
const message = { deliveryUuid: "0b9a5b8e-3a7e-8b57-9a3f-000000000001", eventType: "ping", event: "{}" };

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] }));

describe("a sender", () => {
  it("gives a receiver 5 s", async () => {
    receiver(hanging);
    const sender = await createSender(setup);
    const sent = sender.send(message);
    await vi.waitFor(() => expect(fetch).toHaveBeenCalled());
    await vi.advanceTimersByTimeAsync(5000);
    const { result } = await sent;
    expect(result.error).toBe("timeout");
    expect(result.durationMs).toBe(5000);
  });

  it("gives it all of them after the wait for the disk", async () => {
    receiver();
    const disk = Promise.withResolvers<void>();
    const sender = await createSender({ ...setup, beforeRequest: () => disk.promise });
    const sent = sender.send(message);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fetch).not.toHaveBeenCalled();
    disk.resolve();
    expect((await sent).result).toMatchObject({ error: null, durationMs: 0 });
  });

  it("says no sequence and no attempt on a message that has none, such as a ping", async () => {
    const { received } = receiver();
    await (await createSender(setup)).send(message);
    expect(received[0]?.headers.has("X-Orchest-Sequence")).toBe(false);
    expect(received[0]?.headers.has("X-Orchest-Attempt")).toBe(false);
  });

  it.each(["http://10.0.0.1/", "http://localhost:8787/", "http://[::1]/"])(
    "does not call %s, unless private targets are allowed",
    async (url) => {
      const { received } = receiver();
      const settings = { ...setup.settings, url };
      const strict = await createSender({ ...setup, settings });
      expect((await strict.send(message)).result).toMatchObject({ error: "blocked", status: null });
      expect(received).toEqual([]);
      const rules = { ...setup.rules, allowPrivateTargets: true };
      const local = await createSender({ ...setup, settings, rules });
      expect((await local.send(message)).result.error).toBeNull();
    },
  );

  it("sends nothing for an event that cannot be a message of the format, and never will", async () => {
    const { received, logged } = receiver();
    const settings = { ...setup.settings, template: "{{#if title}}" };
    const sender = await createSender({ ...setup, settings, format: "template" });
    const { result } = await sender.send(message);
    expect(result).toMatchObject({ error: "format_error", status: null, refusal: { kind: "refused" } });
    expect(result.responseBody).toMatch(/^\[The message cannot be built: TemplateError: cannot be read/);
    expect(received).toEqual([]);
    expect(logged()).toContain("message cannot be built");
  });
});
