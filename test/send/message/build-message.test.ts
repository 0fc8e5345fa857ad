import { assert as assertProperty, constantFrom, oneof, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { sampleEvent } from "../../../src/events/sample-event";
import { orchestEventTypes } from "../../../src/events/types";
import { buildMessage } from "../../../src/send/message/build-message";
import { formats } from "../../../src/send/message/formats";
import { shownText } from "../../../src/send/message/event-fields";
import { type Preview, previewOf } from "../../../src/send/message/preview";
import { sentenceOf } from "../../../src/send/message/sentence";
import { forAll } from "../../for-all";
import { hand, inputOf, orchestUrl, send, type Service, services } from "../../stand-ins/shown-by";
import { opsgenie } from "../../stand-ins/opsgenie";
import { pagerduty } from "../../stand-ins/pagerduty";
import type { Shown } from "../../stand-ins/types";

const all = Object.entries(services);
const failed = "project:cron-job:run:pipeline-run:failed";

function sample(type: string): Record<string, unknown> {
  return sampleEvent(type, { now: 1_654_186_345_242, uuid: () => "0f3b5a52-6c0e-4a55-8d7b-7a3c6c0d1e2f" });
}

/** A failed run in which every text that people choose is this one. */
function hostileEvent(text: string): Record<string, unknown> {
  const run = {
    uuid: "r",
    number: 3,
    failed_steps: [{ uuid: "s", title: text }],
    parameters: { pipeline_parameters: { parameters: { [text]: text } } },
    url_path: `/job-run?run_uuid=r&name=${text}`,
  };
  const job = {
    uuid: "j",
    name: text,
    pipeline_name: text,
    url_path: "/job",
    run: { number: 17, pipeline_run: run },
  };
  return {
    type: failed,
    uuid: "e",
    timestamp: "2022-06-02 16:12:25.242592+00:00",
    project: { uuid: "p", name: text, job },
  };
}

/** A run of a cron job. */
function job(uuid: string, state: string): Record<string, unknown> {
  const type = `project:cron-job:run:pipeline-run:${state}`;
  return { type, project: { name: "Sales", job: { uuid, name: `Job ${uuid}` } } };
}

/** A successful message of a stand-in. */
function shownBy(service: Service, event: unknown): Shown {
  const { status, body, shown } = send(service, event);
  expect(body, "the service takes it").not.toContain("error");
  expect(status).toBeLessThan(300);
  if (shown === null) throw new Error(`Nothing is shown: ${status} ${body}`);
  return shown;
}

/** What is read, without what cannot be seen. */
function legible(text: string): string {
  return text.replaceAll("\u200B", "").replaceAll(/\s+/g, " ");
}

describe("a message", () => {
  it("of a failed run is shown by every service: the sentence, its facts and the link", () =>
    forAll(all, (name, service) => {
      const event = sample(failed);
      const { title, facts, link } = sentenceOf(event, { orchestUrl });
      const { text, notification, links, pings } = shownBy(service, event);
      expect(legible(text)).toContain(title);
      expect(notification).toContain(title.slice(0, 100));
      for (const { value } of facts) expect(legible(text)).toContain(value);
      expect(pings).toEqual([]);
      // A workflow of Slack's gets the link as a text.
      const linked = name === "a Slack workflow" ? [text] : links.map(({ url }) => url);
      expect(linked).toEqual([expect.stringContaining(link ?? "")]);
    }));

  it("of every type of event is shown, or resolves what is open", () =>
    forAll(all, (_, service) => {
      for (const type of [...orchestEventTypes, "ping", "data-set:imported", ""]) {
        const event = type.startsWith("project") || type.startsWith("jupyter") ? sample(type) : { type };
        const { status, body, shown } = send(service, event);
        expect(status, `${type}: ${body}`).toBeLessThan(300);
        const isAlert = service.format === "pagerduty" || service.format === "opsgenie";
        const resolves = isAlert && sentenceOf(event, { orchestUrl }).outcome === "success";
        expect(shown === null, type).toBe(resolves);
      }
    }));

  it("has the event's time, in whatever form the event has it", () =>
    forAll(
      [
        ["2022-06-02 16:12:25.242592+00:00", "2022-06-02T16:12:25.242Z"],
        ["2022-06-02T18:12:25+02", "2022-06-02T16:12:25.000Z"],
        ["2022-06-02T18:12+02", "2022-06-02T16:12:00.000Z"],
        ["2022-06-02T21:42:25+0530", "2022-06-02T16:12:25.000Z"],
        ["2022-06-02T08:12:25\u221208:00", "2022-06-02T16:12:25.000Z"],
        ["2022-06-02t16:12z", "2022-06-02T16:12:00.000Z"],
        ["2022-06-02T16Z", "2022-06-02T16:00:00.000Z"],
        ["2022-06-02T16:12:25", "2022-06-02T16:12:25.000Z"],
        ["2022-06-02T16:12:25,5Z", "2022-06-02T16:12:25.500Z"],
        [`2022-06-02T16:12:25.${"9".repeat(100)}Z`, "2022-06-02T16:12:25.999Z"],
        ["20220602T161225Z", "2022-06-02T16:12:25.000Z"],
        ["20220602T161225.25+0000", "2022-06-02T16:12:25.250Z"],
        ["2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"],
        ["2022-06-01T24:00:00Z", "2022-06-02T00:00:00.000Z"],
      ],
      (timestamp, time) => {
        const written: [name: string, time: string][] = [
          ["pagerduty", time],
          ["discord", time],
          ["slack", `<!date^${Math.floor(Date.parse(time) / 1000)}^`],
          ["teams", `{{DATE(${time.slice(0, 19)}Z`],
        ];
        return forAll(written, (name, text) => {
          const event = { ...sample(failed), timestamp };
          const { body } = buildMessage(inputOf(serviceNamed(name), event));
          // Some messages hold the event as well.
          const { event: _event, ...message } = JSON.parse(body) as Record<string, unknown>;
          expect(JSON.stringify(message)).toContain(text);
        });
      },
    ));

  it("has no time where the event has none, or one that services do not take", () =>
    forAll(["yesterday", "", "1969-12-31T23:59:59Z", "9999-12-31T23:59:60Z", 1_654_186_345], (timestamp) => {
      const event = { ...sample(failed), timestamp };
      expect(buildMessage(inputOf(serviceNamed("pagerduty"), event)).body).not.toContain('"timestamp":"');
    }));

  it("with a hostile name pings nobody, disguises no link, and reads as it was typed", () =>
    forAll(all, (_, service) => {
      const names = [
        "<!channel> R&D <https://evil.example/login|Sign in to Orchest> @everyone",
        "[Sign in](https://evil.example) **bold** _it_ `code` ~~gone~~ ||spoiler||",
        '<a href="https://evil.example">Sign in</a> <b>x</b> <users/all> &lt;&amp;',
        "@here <@U012> <@&1> <#C1> <!date^1^{date}|x> {{DATE(2020-01-01T00:00:00Z,SHORT)}}",
        "# heading \\ * - 1. > quote $& \"quotes\" 'x' \\[a\\](https://evil.example)",
        "/start #tag @orchest_news https://evil.example/path?a=b&c=d",
        "Sales (EU) [beta] {x}",
        "nightly_retrain __init__ _private é_x_ a*b",
        String.raw`C:\\data \\(x\\) \\[y\\] 50\\% \\`,
        "#42 and issue #7",
        ":fire: ship it :+1::tada: at 12:30:15",
        "[x]: https://evil.example",
        "[a] b] [c",
        "- item",
        "1. one",
        "> x",
        "+ y",
      ];
      for (const name of names) {
        const { text, links, pings } = shownBy(service, hostileEvent(name));
        expect(pings, name).toEqual([]);
        const leading = links.filter(({ url }) => !url.startsWith(orchestUrl));
        expect(
          leading.filter((link) => link.text !== link.url),
          name,
        ).toEqual([]);
        expect(legible(text), name).toContain(legible(shownText(name) ?? ""));
      }
    }));

  it("is shown whatever texts an event holds", { timeout: 120_000 }, () => {
    const hostile = oneof(
      string({ unit: "binary", maxLength: 300 }),
      string({ unit: constantFrom(...Array.from("<>&@![](){}|*_~`\\#-+.:/ \n\"'=?%🔥é漢")), maxLength: 300 }),
      string({ unit: "grapheme", minLength: 100, maxLength: 300 }),
    );
    assertProperty(
      property(hostile, (name) => {
        for (const [, service] of all) {
          const { pings, links } = shownBy(service, hostileEvent(name));
          expect(pings).toEqual([]);
          expect(links.every(({ url, text }) => url.startsWith(orchestUrl) || url === text)).toBe(true);
        }
      }),
      { numRuns: 25 },
    );
  });

  it("is shown of events of 90 KB, nested as deep as may be or wide, with the sentence", () =>
    forAll(all, (_, service) => {
      const parameters = Object.fromEntries(
        Array.from({ length: 900 }, (_item, index) => [
          `step-${index}`,
          { parameters: { [`p${index}`]: "v".repeat(60), deep: index === 0 ? "DEEP" : 1 } },
        ]),
      );
      const failed_steps = Array.from({ length: 900 }, (_item, index) => ({
        title: `Step ${index} ${"🔥".repeat(5)}`,
      }));
      const run = { number: 1, parameters, failed_steps, url_path: `/x?${"y".repeat(3000)}` };
      const job = { uuid: "j", name: "Nightly", run: { number: 17, pipeline_run: run } };
      const event = { type: failed, uuid: "e", project: { name: "P".repeat(90_000), job } };
      const deep = `${'{"0":1,"a":'.repeat(8000)}1${"}".repeat(8000)}`;
      const { shown } = send(service, event, { event: JSON.stringify(event).replace('"DEEP"', deep) });
      const text = shown?.text;
      expect(text).toContain("Nightly failed in");
      expect(text).toContain("Step 0");
    }));

  it("of the deepest event that may be published is built in every format", () =>
    forAll(
      formats.filter((format) => format !== "auto"),
      (format) => {
        const deep = `${'{"0":1,"a":'.repeat(8500)}1${"}".repeat(8500)}`;
        const event = `{"type":"${failed}","uuid":"e","project":{"name":"Sales","job":{"run":${deep}}}}`;
        const options = { content_type: "text/plain" };
        const input = {
          ...inputOf(serviceNamed("slack"), {}),
          format,
          event,
          options,
          template: "{{json event}}",
        };
        expect(buildMessage(input).body).not.toBe("");
      },
    ));

  it("never ends inside of a character", () =>
    forAll(all, (_, service) => {
      for (const pad of ["", "x"]) {
        const { body } = buildMessage(inputOf(service, hostileEvent(`${pad}${"🔥".repeat(400)}`)));
        expect(body.isWellFormed()).toBe(true);
        expect(body).not.toMatch(/\\ud[89a-f]/i);
      }
    }));

  it("of an event that is no object still is one", () =>
    forAll(all, (_, service) => expect(shownBy(service, []).text).toContain("An event without a type")));

  it("is the same for the same event: neither time nor chance is in it", () =>
    forAll(all, (_, service) => {
      const input = inputOf(service, sample(failed));
      expect(buildMessage(input)).toEqual(buildMessage(input));
    }));

  it("of a test is shown, also where successes only resolve", () =>
    forAll(all, (_, service) => {
      const { shown } = send(service, { type: "ping", uuid: "e" }, { isTest: true });
      expect(shown?.text).toContain("Test ping: this webhook works");
    }));
});

describe("the members of Orchest's body", () => {
  it("come along where the service ignores what it does not know", () =>
    forAll(["slack", "discord", "teams"], (name) => {
      const event = sample(failed);
      const body = JSON.parse(buildMessage(inputOf(serviceNamed(name), event)).body) as Record<
        string,
        unknown
      >;
      expect(body["event"]).toEqual(event);
      expect(body["delivered_for"]).toMatchObject({ name: "Alerts", type: "webhook" });
    }));

  it("are left out for Teams when the message would be too large to be shown", () => {
    const event = { ...sample(failed), note: "x".repeat(28_000) };
    const body = JSON.parse(buildMessage(inputOf(serviceNamed("teams"), event)).body) as Record<
      string,
      unknown
    >;
    expect(Object.keys(body)).toEqual(["type", "summary", "attachments"]);
  });

  it("keep the event character for character", () => {
    const input = { ...inputOf(serviceNamed("slack"), {}), event: '{"a":1.0, "b":12345678901234567890}' };
    expect(buildMessage(input).body).toContain('"event":{"a":1.0, "b":12345678901234567890},');
  });
});

describe("an alert", () => {
  it("of a job's failure is one, and its later success resolves it (PagerDuty)", () => {
    const { standIn, incidents } = pagerduty();
    const service = { ...serviceNamed("pagerduty"), standIn };
    send(service, job("1", "failed"));
    send(service, job("1", "failed"));
    send(service, job("2", "failed"));
    expect([...incidents.values()]).toEqual(["Job 1 failed in Sales", "Job 2 failed in Sales"]);
    send(service, { ...job("1", "succeeded"), type: "project:cron-job:run:succeeded" });
    expect([...incidents.values()]).toEqual(["Job 2 failed in Sales"]);
  });

  it("of a job's failure is one, and its later success closes it (Opsgenie)", () => {
    const { standIn, alerts } = opsgenie();
    const service = { ...serviceNamed("opsgenie"), standIn };
    send(service, job("1", "failed"));
    send(service, job("a/b?c", "failed"));
    expect(alerts.size).toBe(2);
    send(service, job("a/b?c", "succeeded"));
    expect([...alerts.values()]).toEqual(["Job 1 failed in Sales"]);
  });

  it("of one of several pipeline runs stays open when another one succeeds, until all have", () =>
    forAll(
      [
        [
          "project:cron-job:run",
          { run: { number: 17, total_pipeline_runs: 4 } },
          "project:cron-job:run:succeeded",
        ],
        ["project:one-off-job", { total_runs: 4 }, "project:one-off-job:succeeded"],
      ],
      (level, changes, end) => {
        const { standIn, incidents } = pagerduty();
        const { standIn: other, alerts } = opsgenie();
        const happen = (type: string): void => {
          const event = { type, project: { name: "Sales", job: { uuid: "1", name: "Job 1", ...changes } } };
          send({ ...serviceNamed("pagerduty"), standIn }, event);
          send({ ...serviceNamed("opsgenie"), standIn: other }, event);
        };
        happen(`${level}:pipeline-run:failed`);
        happen(`${level}:pipeline-run:succeeded`);
        expect([incidents.size, alerts.size]).toEqual([1, 1]);
        happen(end);
        expect([incidents.size, alerts.size]).toEqual([0, 0]);
      },
    ));

  it("of a job with a single pipeline run is resolved by that run", () =>
    forAll([{ run: { total_pipeline_runs: 1 } }, { total_runs: 1 }], (changes) => {
      const { standIn, incidents } = pagerduty();
      for (const state of ["failed", "succeeded"]) {
        const { type, project } = job("1", state) as { type: string; project: { job: object } };
        const event = { type, project: { ...project, job: { ...project.job, ...changes } } };
        send({ ...serviceNamed("pagerduty"), standIn }, event);
      }
      expect(incidents.size).toBe(0);
    }));

  it("of a started run neither opens nor resolves a job's", () => {
    const { standIn, incidents } = pagerduty();
    const service = { ...serviceNamed("pagerduty"), standIn };
    send(service, job("1", "failed"));
    send(service, job("1", "started"));
    expect([...incidents.values()]).toEqual(["Job 1 failed in Sales", "Job 1 started in Sales"]);
    send(service, job("1", "succeeded"));
    expect([...incidents.values()]).toEqual(["Job 1 started in Sales"]);
  });

  it("of a webhook that was disabled is resolved when it recovers, of a build when it succeeds", () => {
    const { standIn, incidents } = pagerduty();
    const service = { ...serviceNamed("pagerduty"), standIn };
    send(service, { type: "webhook:disabled", webhook: { uuid: "w", name: "Alerts" } });
    send(service, {
      type: "project:environment:image-build:failed",
      project: { environment: { uuid: "v" } },
    });
    send(service, { type: "jupyter:image-build:failed" });
    expect(incidents.size).toBe(3);
    send(service, { type: "webhook:recovered", webhook: { uuid: "w", name: "Alerts" } });
    send(service, {
      type: "project:environment:image-build:succeeded",
      project: { environment: { uuid: "v" } },
    });
    send(service, { type: "jupyter:image-build:succeeded" });
    expect(incidents.size).toBe(0);
  });

  it("has the severity that was chosen for failures", () => {
    const options = { routing_key: "R0123456789012345678901234567890", severity: "critical" };
    const { body } = buildMessage({ ...inputOf(serviceNamed("pagerduty"), job("1", "failed")), options });
    expect(JSON.parse(body)).toMatchObject({ payload: { severity: "critical" } });
  });
});

describe("a CloudEvent", () => {
  const input = {
    ...inputOf(
      {
        format: "cloudevents",
        url: "https://example.com/",
        standIn: () => ({ status: 200, body: "", shown: null }),
      },
      {},
    ),
  };

  it("has the required attributes and the event as it was published", () => {
    const event =
      '{"uuid":"e1","type":"project:created","timestamp":"2022-06-02 16:12:25.242592+00:00","n":1.0}';
    const { body, contentType } = buildMessage({ ...input, event });
    expect(contentType).toBe("application/cloudevents+json; charset=UTF-8");
    expect(body).toContain(`"data":${event}}`);
    expect(JSON.parse(body)).toMatchObject({
      specversion: "1.0",
      id: "e1",
      source: orchestUrl,
      type: "project:created",
      time: "2022-06-02T16:12:25.242592+00:00",
      datacontenttype: "application/json",
    });
  });

  it("has the event's time as RFC 3339 writes it, with its digits and its zone where they can stay", () =>
    forAll<[timestamp: string, time: string | undefined]>(
      [
        ["2022-06-02 16:12:25.242592+00:00", "2022-06-02T16:12:25.242592+00:00"],
        ["2022-06-02T18:12:25+02:00", "2022-06-02T18:12:25+02:00"],
        ["2022-06-02T21:42:25+0530", "2022-06-02T21:42:25+05:30"],
        ["2022-06-02t16:12z", "2022-06-02T16:12:00Z"],
        ["2022-06-02 16:12:25", "2022-06-02T16:12:25Z"],
        ["2022-06-02T16:12:25.123456789Z", "2022-06-02T16:12:25.123456789Z"],
        // Many libraries read nine digits at most.
        ["2022-06-02T16:12:25.1234567891Z", "2022-06-02T16:12:25.123456Z"],
        ["2022-06-02T16:12:25,5Z", "2022-06-02T16:12:25.500000Z"],
        ["2022-06-02T18:12+02", "2022-06-02T16:12:00.000000Z"],
        ["2022-06-02T08:12:25\u221208:00", "2022-06-02T16:12:25.000000Z"],
        ["2022-06-02T16Z", "2022-06-02T16:00:00.000000Z"],
        ["20220602T161225Z", "2022-06-02T16:12:25.000000Z"],
        ["20220602T161225.242592+0000", "2022-06-02T16:12:25.242592Z"],
        ["2022-06-01T24:00:00Z", "2022-06-02T00:00:00.000000Z"],
        ["2022-06-01T24:00+02:00", "2022-06-01T22:00:00.000000Z"],
        // RFC 3339 has leap seconds, and many libraries do not.
        ["2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z"],
        ["2016-12-31T23:59:60.25Z", "2017-01-01T00:00:00.250000Z"],
        ["1969-12-31T23:59:59,75Z", "1969-12-31T23:59:59.750000Z"],
        // Not within RFC 3339's years.
        ["9999-12-31T24:00Z", undefined],
        ["0000-01-01T00+05", undefined],
        ["2026-02-31T00:00:00Z", undefined],
        ["yesterday", undefined],
      ],
      (timestamp, time) => {
        const { body } = buildMessage({ ...input, event: JSON.stringify({ timestamp }) });
        expect((JSON.parse(body) as { time?: string }).time).toBe(time);
      },
    ));

  it("has an id and a type also of an event without, and leaves out a time that is none", () => {
    const { body } = buildMessage({ ...input, orchestUrl: null, event: '{"timestamp":"yesterday"}' });
    const read = JSON.parse(body) as Record<string, unknown>;
    expect(read).toMatchObject({ id: input.deliveryUuid, type: "unknown", source: "/orchest" });
    expect(read).not.toHaveProperty("time");
  });

  it("says the source that was chosen", () => {
    const { body } = buildMessage({ ...input, options: { source: "urn:me" } });
    expect(JSON.parse(body)).toMatchObject({ source: "urn:me" });
  });
});

describe("a preview", () => {
  it("shows what the service shows: sentence, facts and link, without escapes", () =>
    forAll(all, (_, service) => {
      const event = hostileEvent('R&D <b> *x* [y](z) @all "q" \\');
      const message = buildMessage(inputOf(service, event));
      const shownBefore = previewOf(service.format, message);
      const { title, facts, link } = sentenceOf(event, { orchestUrl });
      expect(hand(service, message).shown).not.toBeNull();
      expect(shownBefore?.title).toBe(title);
      if (service.url.includes("triggers")) return;
      expect(shownBefore?.link?.url).toBe(link);
      const asText = facts.map(({ label, value }) => `${label}: ${value}`).join("\n");
      const shownFacts = service.format === "ntfy" ? shownBefore?.text : shownBefore?.fields;
      expect([asText, facts]).toContainEqual(
        typeof shownFacts === "string" ? shownFacts.slice(0, asText.length) : shownFacts,
      );
    }));

  it("tells what is sent and not shown, and that a success resolves", () => {
    expect(preview("slack", "failed")?.notShown).toEqual(["delivered_for", "event"]);
    expect(preview("google_chat", "failed")?.notShown).toEqual([]);
    expect(preview("pagerduty", "succeeded")?.effect).toContain("Resolves");
    expect(preview("opsgenie", "succeeded")?.effect).toContain("Closes");
    expect(preview("slack", "failed")).toMatchObject({ service: "Slack", icon: "❌", effect: null });
  });

  it("names the service that shows it: Discord, where Slack's messages are sent to Discord", () => {
    const shown = preview("Discord's endpoint for Slack", "failed");
    expect(shown).toMatchObject({ service: "Discord", format: "discord", icon: "❌" });
  });

  it("of Slack's format has blocks for a compatible server, whatever its path", () => {
    for (const path of ["triggers/x", "workflows/x", "api/webhooks/1/x/slack"]) {
      const input = {
        ...inputOf(serviceNamed("slack"), sample(failed)),
        url: `https://chat.example.com/${path}`,
      };
      expect(JSON.parse(buildMessage(input).body)).toHaveProperty("blocks");
    }
  });

  it("is none of formats that people do not read", () => {
    const input = inputOf(serviceNamed("slack"), sample(failed));
    for (const format of ["orchest", "cloudevents"] as const) {
      expect(previewOf(format, buildMessage({ ...input, format }))).toBeNull();
    }
  });
});

/** The preview of a service's message of a run. */
function preview(name: string, state: string): Preview | null {
  const input = inputOf(serviceNamed(name), sample(failed.replace("failed", state)));
  return previewOf(input.format, buildMessage(input));
}

function serviceNamed(name: string): Service {
  const service = services[name];
  if (service === undefined) throw new Error(`There is no service ${name}.`);
  return service;
}
