import { describe, expect, it } from "vitest";
import formatsDocument from "../../../docs/formats.md?raw";
import { checkTemplate, templateMessage } from "../../../src/send/message/template/template-message";
import { forAll } from "../../for-all";

const webhook = {
  uuid: "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d",
  name: "Alerts",
  verifySsl: true,
  contentType: "application/json",
} as const;
const common = {
  format: "template",
  webhook,
  url: "https://example.com/",
  orchestUrl: "https://orchest.example.com",
  deliveryUuid: "1b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d",
} as const;
const failed = {
  uuid: "2b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d",
  type: "project:cron-job:run:pipeline-run:failed",
  timestamp: "2026-11-28T12:00:00+00:00",
  project: {
    name: "Churn",
    job: {
      name: "Nightly",
      run: {
        number: 17,
        pipeline_run: { url_path: "/job-run?x=1", failed_steps: [{ title: "Train" }, { title: "Test" }] },
      },
    },
  },
};

function render(template: string, event: unknown = failed, contentType?: string): string {
  const options: Record<string, string> = contentType === undefined ? {} : { content_type: contentType };
  return templateMessage({ ...common, template, options, event: JSON.stringify(event) }).body;
}

/** JSON that is nested as deep as an event of 100 KB can be. */
function deepText(open: string, close: string, length = 102_000): string {
  const depth = Math.floor(length / (open.length + close.length));
  return `${open.repeat(depth)}1${close.repeat(depth)}`;
}

function check(template: string, contentType = "application/json"): string | null {
  const samples = [failed, { type: "project:created" }].map((event) => JSON.stringify(event));
  return checkTemplate(template, { content_type: contentType }, samples);
}

describe("a template", () => {
  it("sees the event, its sentence and the webhook", () =>
    forAll(
      [
        ["plain text", "plain text"],
        ["{{title}}", "Nightly failed in Churn: run 17, steps Train, Test"],
        ["{{outcome}} {{type}}", "failure project:cron-job:run:pipeline-run:failed"],
        ["{{link}}", "https://orchest.example.com/job-run?x=1"],
        ["{{event.project.name}}", "Churn"],
        ["{{event.project.job.run.number}}", "17"],
        ["{{webhook.name}} {{delivery}}", "Alerts 1b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d"],
        ["{{event.nothing.at.all}}.", "."],
        ["{{!a comment}}x{{!-- another --}}", "x"],
        ["{{#if link}}yes{{else}}no{{/if}}", "yes"],
        ["{{#if event.nothing}}yes{{else}}no{{/if}}", "no"],
        ["{{#if event.x}}1{{else if title}}2{{else}}3{{/if}}", "2"],
        ["{{#unless event.nothing}}none{{/unless}}", "none"],
        [
          "{{#each event.project.job.run.pipeline_run.failed_steps}}{{@index}}{{title}}{{#unless @last}}, {{/unless}}{{/each}}",
          "0Train, 1Test",
        ],
        [
          "{{#each facts}}{{label}}={{value}};{{/each}}",
          expect.stringMatching(/^Project=Churn;Job=Nightly;/),
        ],
        ["{{#each event.project.job.run}}{{@key}} {{/each}}", "number pipeline_run "],
        ["{{#each event.nothing}}x{{else}}none{{/each}}", "none"],
        ["{{#each facts}}{{#if @first}}{{@root.outcome}} {{../outcome}}{{/if}}{{/each}}", "failure failure"],
        [
          "{{json event.project.job.run.number}} {{json event.nothing}} {{json title}}",
          expect.stringMatching(/^17 null "Nightly/),
        ],
      ],
      (template, text) => {
        expect(render(template)).toEqual(text);
        expect(check(template, "text/plain")).toBeNull();
      },
    ));

  it("writes every value so that it ends nothing that stands around it, by its content type", () => {
    const name = `"},{"x":1}\\ <b a='1'>&amp; \n\u0000\u2028 é 💥 a=1&b=2 {{title}}`;
    const event = { type: "project:created", project: { name } };
    expect(JSON.parse(render('{"a": "{{event.project.name}}"}', event))).toEqual({ a: name });
    expect(JSON.parse(render('{"a": {{json event.project}}}', event))).toEqual({ a: { name } });
    expect(JSON.parse(render('{"a": "{{event.project}}"}', event))).toEqual({ a: JSON.stringify({ name }) });
    const form = render("a={{event.project.name}}&b=1", event, "application/x-www-form-urlencoded");
    expect([...new URLSearchParams(form)]).toEqual([
      ["a", name],
      ["b", "1"],
    ]);
    for (const type of ["text/html", "application/xml"]) {
      const html = render("<i title='{{event.project.name}}'>{{json event.project.name}}</i>", event, type);
      expect(html).not.toMatch(/<b|='1'|"|&amp;amp; [^\n]*'/);
    }
    expect(render("{{event.project.name}}", event, "text/plain")).toBe(name);
  });

  it("for XML leaves out the characters that XML does not allow", () => {
    // XML 1.0, 2.2, "Characters".
    const allowed = /^[\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]*$/u;
    const name = "a\u0000b\u0001c\u0008d\u000be\u000cf\u001fg\ufffeh\uffffi\ud800j\t\n\r é 💥 <x>";
    const event = { type: "project:created", project: { name } };
    const xml = render("{{event.project.name}}|{{json event.project.name}}", event, "application/xml");
    expect(xml).toMatch(allowed);
    expect(xml.split("|")[0]).toBe("abcdefghi\ufffdj\t\n\r é 💥 &lt;x&gt;");
  });

  it("writes the deepest event that may be published, wherever it uses it", () =>
    forAll(
      [
        deepText('{"0":1,"a":', "}"),
        deepText('{"a":[{"0":', "}]}"),
        deepText("[", "]"),
        `[${"0,".repeat(30_000)}${deepText('{"0":1,"a":', "}", 40_000)}]`,
      ],
      (deep) => {
        const event = `{"type":"project:created","deep":${deep}}`;
        const text = (template: string): string =>
          templateMessage({ ...common, template, options: {}, event }).body;
        expect(text("{{json event.deep}}")).toBe(deep);
        expect(text("{{json event}}")).toBe(event);
        expect(JSON.parse(text('{"a":"{{event.deep}}"}'))).toEqual({ a: deep });
        expect(text("{{#each event}}{{@key}} {{/each}}")).toBe("type deep ");
      },
    ));

  it("sees nothing but what the event holds", () =>
    forAll(
      [
        "event.constructor",
        "event.__proto__",
        "event.project.toString",
        "constructor.constructor",
        "this.valueOf",
        "event.type.length",
        "../event",
        "@root.constructor",
      ],
      (path) => {
        expect(render(`[{{${path}}}]`)).toBe("[]");
      },
    ));

  it("of a half surrogate writes well-formed text", () => {
    const event = { type: "x", project: { name: "a\ud800b" } };
    expect(render("{{event.project.name}}", event, "text/plain").isWellFormed()).toBe(true);
    expect(render("a={{event.project.name}}", event, "application/x-www-form-urlencoded")).toBe(
      "a=a%EF%BF%BDb",
    );
  });

  it("ends in bounded time and size, whatever the event holds", () => {
    const list = Array.from({ length: 20_000 }, (_, index) => index);
    const event = { type: "project:created", list };
    const each = "{{#each @root.event.list}}".repeat(4) + "{{this}}{{json this}}" + "{{/each}}".repeat(4);
    expect(render(each, event).length).toBeLessThan(300_000);
    const empty = "{{#each @root.event.list}}".repeat(4) + "{{/each}}".repeat(4);
    expect(render(empty, event)).toBe("");
    const long = { type: "x", list, text: "x".repeat(90_000) };
    expect(render("{{#each event.list}}{{@root.event.text}}{{/each}}", long).length).toBeLessThan(300_000);
  });
});

it("the documented templates keep the limits of their services, whatever the event holds", () => {
  const templates = [...formatsDocument.matchAll(/^```\n([^`]+)\n```$/gm)].map(
    ([, template = ""]) => template,
  );
  const step = { title: "💥".repeat(90) };
  const run = { number: 17, failed_steps: Array.from({ length: 99 }, () => step) };
  const job = { name: `"}${"Nightly ".repeat(50)}`, run: { number: 17, pipeline_run: run } };
  const event = { ...failed, project: { name: "C".repeat(40_000), job }, filler: "x".repeat(50_000) };
  const bodies = templates.map((template) => JSON.parse(render(template, event)) as Record<string, unknown>);
  const [github, jira, mail] = bodies as [
    { client_payload: object },
    { fields: { summary: string; description: string } },
    { subject: string },
  ];
  // docs.github.com, "Create a repository dispatch event"; Jira's field `summary`.
  expect(Object.keys(github.client_payload).length).toBeLessThanOrEqual(10);
  expect(JSON.stringify(github.client_payload).length).toBeLessThan(65_536 / 4);
  expect(Array.from(jira.fields.summary).length).toBeLessThanOrEqual(255);
  expect(jira.fields.description.length).toBeLessThanOrEqual(32_767);
  expect(mail.subject).toBe(jira.fields.summary);
});

describe("a template that is saved", () => {
  it("is refused with the line and what is allowed", () =>
    forAll(
      [
        ["{{title", /^cannot be read, line 1: a \{\{…\}\} is not complete/],
        ["\n\n{{#if title}}", /^cannot be read, line 3/],
        ["{{#if title}}{{/each}}", /^cannot be read/],
        ["\n{{{title}}}", /^cannot be used, line 2: \{\{\{ is not allowed, since every value is escaped/],
        ["{{&title}}", /unescaped values/],
        ["{{> partial}}", /partials and decorators are not allowed/],
        ["{{#> layout}}{{/layout}}", /partials and decorators/],
        ["{{* decorator}}", /partials and decorators/],
        ["\n{{lookup event 'x'}}", /^cannot be used, line 2: this helper is not allowed/],
        ["{{json a b}}", /this helper is not allowed/],
        ["{{json (x y)}}", /nested calls are not allowed/],
        ["{{title x=1}}", /named parameters are not allowed/],
        ["{{#with event}}{{/with}}", /the block with is not allowed/],
        ["{{#title}}{{/title}}", /this block is not allowed/],
        ["{{#each facts as |fact|}}{{/each}}", /names behind “as” are not allowed/],
        ["{{#if title}}x{{/if}}".repeat(101), /^has too many blocks/],
      ] as const,
      (template, sentence) => {
        expect(check(template, "text/plain")).toMatch(sentence);
      },
    ));

  it("must make JSON of every event, where JSON is sent", () =>
    forAll<[string, unknown]>(
      [
        ['{"text": "{{title}}"}', null],
        ['{"text": {{json title}}, "run": {{json event.project.job.run.number}}}', null],
        ['["{{title}}"{{#each facts}}, {{json value}}{{/each}}]', null],
        [
          '{"text": {{title}}}',
          expect.stringMatching(/^makes no valid JSON of an event of the type project:cron/),
        ],
        [
          '{"run": {{event.project.job.run.number}}}',
          expect.stringMatching(/no valid JSON of an event of the type project:created/),
        ],
        ["[{{#each facts}}{{json value}},{{/each}}]", expect.stringMatching(/no valid JSON/)],
        ["plain", expect.stringMatching(/no valid JSON/)],
        ['{"a":{"b":{"c":{{json event}}}}}', null],
      ],
      (template, sentence) => {
        expect(check(template)).toEqual(sentence);
      },
    ));
});
