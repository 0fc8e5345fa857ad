import { beforeEach, expect, it, vi } from "vitest";
import { sampleEvent } from "../../src/events/sample-event";
import { stopClock } from "../clock";
import { makeListener, publish } from "../event";
import { forAll } from "../for-all";
import { laneOf } from "../lane";
import { receiver } from "../receiver";
import { hmacHex } from "../sign";
import { services } from "../stand-ins/shown-by";
import type { Shown } from "../stand-ins/types";

beforeEach(stopClock);

const secret = "a secret of the test";
const failed = "project:cron-job:run:pipeline-run:failed";

/** A failed run of a job whose name only an encoded header can hold. */
function failedRun(): Record<string, unknown> & { uuid: string } {
  const event = sampleEvent(failed, { now: Date.now(), uuid: () => crypto.randomUUID() });
  return { ...event, uuid: crypto.randomUUID(), project: { name: "Größe <!channel> 語 🔥 @everyone" } };
}

it("a failed run appears at every service, signed, when its URL and options are all that is set", async () => {
  const all = Object.values(services);
  const shown = new Map<string, Shown | null>();
  const { received } = receiver((request) => {
    const service = all.find(({ url }) => request.url === url);
    const answer = service?.standIn(request) ?? { status: 404, body: "", shown: null };
    shown.set(request.url, answer.shown);
    return new Response(answer.status === 204 ? null : answer.body, { status: answer.status });
  });
  const webhooks = new Map<string, string>();
  for (const { url, options } of all) {
    const subscriptions = [{ event_type: failed }];
    const { uuid } = await makeListener({
      url,
      secret,
      subscriptions,
      ...(options && { format_options: options }),
    });
    webhooks.set(url, uuid);
  }
  await publish(failedRun());
  await vi.waitFor(() => expect(received).toHaveLength(all.length));
  await forAll(Object.entries(services), async (_, { url, options }) => {
    expect(shown.get(url)?.text.replaceAll("\u200B", "")).toContain("in Größe <!channel> 語 🔥 @everyone");
    expect(shown.get(url)?.pings).toEqual([]);
    const request = received.find((one) => one.url === url);
    const signature = await hmacHex(secret, request?.body ?? "");
    expect(request?.headers.get("X-Hub-Signature-256")).toBe(`sha256=${signature}`);
    const delivery = await vi.waitFor(async () => {
      const found = await laneOf(webhooks.get(url) ?? "").delivery(1);
      expect(found?.status).toBe("delivered");
      return found;
    });
    // What the log shows is what was sent, without its secrets.
    const names = Object.keys(delivery?.sent?.headers ?? {}).map((name) => name.toLowerCase());
    expect(names.toSorted()).toEqual([...(request?.headers.keys() ?? [])].toSorted());
    const key = options?.["routing_key"] ?? options?.["api_key"] ?? "no key of this service";
    expect(JSON.stringify(delivery).includes(key)).toBe(false);
  });
});
