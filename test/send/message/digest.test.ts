import { assert as assertProperty, constantFrom, oneof, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { buildMessage, type MessageInput } from "../../../src/send/message/build-message";
import { hasDigests } from "../../../src/send/message/digest";
import { previewOf } from "../../../src/send/message/preview";
import { forAll } from "../../for-all";
import { hand, inputOf, orchestUrl, type Service, services } from "../../stand-ins/shown-by";
import type { Shown } from "../../stand-ins/types";

const chats = Object.entries(services).filter(([, { format }]) => hasDigests(format));
/** A line of ntfy's, or of a variable of a workflow, is text alone. */
const linking = chats.filter(([name, { format }]) => format !== "ntfy" && !name.includes("workflow"));
const failed = "project:cron-job:run:pipeline-run:failed";

function event(type: string, project: string | null, job = "Nightly", number = 1): Record<string, unknown> {
  const run = { number, url_path: `/job-run?run=${number}` };
  return {
    type,
    uuid: "e",
    timestamp: "2022-06-02 16:12:25.242592+00:00",
    ...(project !== null && {
      project: {
        uuid: `p ${project}`,
        name: project,
        job: { uuid: "j", name: job, run: { number, pipeline_run: run } },
      },
    }),
  };
}

function inputFor(service: Service, events: readonly unknown[]): MessageInput {
  const [first, ...others] = events;
  return { ...inputOf(service, first), others: others.map((one) => JSON.stringify(one)) };
}

/** What a service shows of several events. */
function shownOf(service: Service, events: readonly unknown[]): Shown {
  const { status, body, shown } = hand(service, buildMessage(inputFor(service, events)));
  if (shown === null || status > 299) throw new Error(`Nothing is shown: ${status} ${body}`);
  return { ...shown, text: shown.text.replaceAll("\u200B", "") };
}

function many(count: number, make: (index: number) => unknown): unknown[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

describe("a digest", () => {
  it("says how many of what happened where", () =>
    forAll(
      [
        [many(12, () => event(failed, "Sales")), "❌ 12 runs failed in Sales"],
        [many(3, (index) => event(failed, `P${index}`)), "❌ 3 runs failed in 3 projects"],
        [
          [event(failed, "Sales"), event("project:one-off-job:pipeline-run:failed", "Sales")],
          "❌ 2 runs failed in Sales",
        ],
        [
          [event(failed, "Sales"), event("project:cron-job:run:succeeded", "Sales")],
          "❌ 2 runs in Sales, 1 failed",
        ],
        [[event("project:created", "A"), event("project:created", "B")], "ℹ️ 2 projects were created"],
        [
          [event("project:cron-job:run:succeeded", "A"), event("project:pipeline:deleted", "B")],
          "ℹ️ 2 events in 2 projects",
        ],
        [[event("x:y", null), event("ping", null)], "ℹ️ 2 events"],
        [[event(failed, "A"), event("ping", null)], "❌ 2 events, 1 failed"],
        [many(2, () => event("project:cron-job:run:succeeded", "A")), "✅ 2 runs succeeded in A"],
        [[{}, []], "ℹ️ 2 events"],
      ] as [unknown[], string][],
      (events, title) => {
        const { body } = buildMessage(inputFor(services["mattermost"] as Service, events));
        expect((JSON.parse(body) as { text: string }).text.replaceAll("\\", "")).toBe(title);
      },
    ));

  it("is shown by each service with the first ones in order, their links, and how many more", () =>
    forAll(chats, (_, service) => {
      const shown = shownOf(
        service,
        many(17, (index) => event(failed, "Sales", `Job ${index}`, index)),
      );
      expect(shown.text).toContain("17 runs failed in Sales");
      expect(shown.notification).toContain("17 runs failed in Sales");
      const places = many(10, (index) =>
        shown.text.indexOf(`Job ${String(index)} failed in Sales`),
      ) as number[];
      expect(places).toEqual(places.toSorted((a, b) => a - b));
      expect(places).not.toContain(-1);
      expect(shown.text).not.toContain("Job 10");
      expect(shown.text).toContain("and 7 more");
      expect(shown.pings).toEqual([]);
    }));

  it("links to each event that it shows, where the service can, and to Orchest", () =>
    forAll(linking, (_, service) => {
      const shown = shownOf(
        service,
        many(3, (index) => event(failed, "Sales", `Job ${String(index)}`, index)),
      );
      const urls = many(3, (index) => `${orchestUrl}job-run?run=${String(index)}`);
      expect(shown.links.map(({ url }) => url).toSorted()).toEqual([orchestUrl, ...urls]);
      const { link } =
        previewOf(service.format, buildMessage(inputFor(service, [event(failed, "A"), {}]))) ?? {};
      expect(link).toMatchObject({ url: orchestUrl });
    }));

  it("keeps each service's limits, whatever the events hold: the title and the count always stand", () =>
    forAll(chats, (_, service) => {
      for (const text of [
        "🔥".repeat(400),
        "<!channel> <https://evil.example|x> @everyone",
        "[x](https://evil.example) **bold** `code` \\ ](",
        '<a href="https://evil.example">x</a> & <users/all>',
        "*_~`|[]<@#>-+1.)(".repeat(20),
        "# x",
      ]) {
        for (const count of [2, 3, 100]) {
          const events = many(count, (index) => {
            const made = event(failed, text, text, index);
            return { ...made, filler: "y".repeat(count === 2 ? 90_000 : 10) };
          });
          const shown = shownOf(service, events);
          expect(shown.text, text).toContain(`${count} runs failed in`);
          expect(shown.pings, text).toEqual([]);
          const others = shown.links.filter(({ url }) => !url.startsWith(orchestUrl));
          expect(
            others.filter((link) => link.text !== link.url),
            text,
          ).toEqual([]);
          expect(buildMessage(inputFor(service, events)).body.isWellFormed()).toBe(true);
        }
      }
    }));

  it("is shown whatever texts its events hold", { timeout: 120_000 }, () => {
    const hostile = oneof(
      string({ unit: "binary", maxLength: 300 }),
      string({ unit: constantFrom(...Array.from("<>&@![](){}|*_~`\\#-+.:/ \n\"'=?%🔥é漢")), maxLength: 300 }),
      string({ unit: "grapheme", minLength: 100, maxLength: 300 }),
    );
    assertProperty(
      property(hostile, hostile, (project, job) => {
        for (const [name, service] of chats) {
          const events = many(12, (index) => event(failed, project, job, index));
          const { pings, links, text } = shownOf(service, events);
          expect(text, name).toContain("12 runs failed");
          expect(pings, name).toEqual([]);
          expect(
            links.filter(({ url, text: label }) => !url.startsWith(orchestUrl) && url !== label),
            name,
          ).toEqual([]);
        }
      }),
      { numRuns: 15 },
    );
  });

  it("has the same texts in the form's preview", () =>
    forAll(chats, (_, service) => {
      const events = many(13, (index) => event(failed, "Sales & Co.", `Job <${String(index)}>`, index));
      const preview = previewOf(service.format, buildMessage(inputFor(service, events)));
      expect(preview?.notification).toContain("13 runs failed in Sales & Co.");
      const texts = `${preview?.text} ${preview?.fields.map(({ value }) => value).join("\n")}`;
      expect(texts).toContain("Job <3> failed in Sales & Co.");
      expect(texts).toContain("and 3 more");
    }));

  it("is made of one event only as the message of that event", () => {
    const service = services["slack"] as Service;
    const one = inputOf(service, event(failed, "Sales"));
    expect(buildMessage({ ...one, others: [] })).toEqual(buildMessage(one));
  });

  it("is never made in a format that tells of one event", () => {
    const input = inputFor(services["pagerduty"] as Service, [event(failed, "A"), event(failed, "A")]);
    expect(() => buildMessage(input)).toThrow("tells of one event");
  });
});
