import { describe, expect, it } from "vitest";
import { parseEvents } from "../../src/events/parse-events";
import { archived, makeEvent, publish } from "../event";
import { consume, rejected } from "../queue";
import { captureLog } from "../receiver";

const uuid = "0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";
const other = "1b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d";
const body = JSON.stringify(makeEvent()).slice(1, -1);

/** What programs read differently: some take the first of two, some the last. */
const repeated: [field: string, event: string][] = [
  ["uuid", `{${body},"uuid":"${other}"}`],
  ["uuid", `{"uuid":"${other}",${body}}`],
  ["uuid", `{"uuid":null,${body}}`],
  ["uuid", `{${body},"\\u0075uid":"${other}"}`],
  ["uuid", `{${body},"\\u0075\\u0075\\u0069\\u0064":"${other}"}`],
  ["uuid", `{"uui\\u0064" : "${other}" , ${body}}`],
  ["type", `{"type":"project:deleted",${body}}`],
  ["type", `{${body},"t\\u0079pe":"project:created"}`],
  ["timestamp", `{"timestamp":"2020-01-01T00:00:00Z",${body}}`],
  ["timestamp", `{"timestamp":{"timestamp":1},${body}}`],
  ["project", `{"project":null,${body},"project":{"uuid":"${uuid}"}}`],
  ["project", `{${body},"project":{"uuid":"${uuid}"},"\\u0070roject":{"uuid":"${uuid}"}}`],
  ["project.uuid", `{${body},"project":{"uuid":"${other}","uuid":"${uuid}"}}`],
  ["project.uuid", `{${body},"project":{"uuid":null,"name":"}]\\"{","\\u0075uid":"${uuid}"}}`],
  ["project.job", `{${body},"project":{"job":null,"uuid":"${uuid}","job":{"uuid":"${uuid}"}}}`],
  ["project.job", `{${body},"project":{"job":{"uuid":"${uuid}"},"j\\u006fb":{"uuid":"${uuid}"}}}`],
  ["project.job.uuid", `{${body},"project":{"job":{"uuid":"${other}","name":"x","uuid":"${uuid}"}}}`],
  ["project.job.uuid", `{${body},"\\u0070roject":{"\\u006aob":{"uuid":"${other}","\\u0075uid":null}}}`],
  ["uuid", `{${body},"a":"\\\\","b":"\\"","uuid":"${other}"}`],
  ["uuid", `\n\t{\n  ${body},\r\n  "uuid"\n:\n"${other}"\n}\n`],
];

/** What stands twice and decides over nothing: it goes on as it came. */
const fine = [
  `{${body},"note":1,"note":2}`,
  `{${body},"UUID":"${other}","Type":"x"}`,
  `{${body},"data":{"uuid":"1","uuid":"2","type":1,"type":2,"project":1,"project":2}}`,
  `{${body},"list":[{"uuid":1,"uuid":2},{"uuid":3}]}`,
  `{${body},"note":"\\"uuid\\":1,\\"uuid\\":2"}`,
  `{${body},"project":{"uuid":"${uuid}","name":"a","name":"b","pipeline":{"uuid":1,"uuid":2},"job":{"status":1,"status":2}}}`,
  `{${body},"project":{"uuid":"${uuid}","type":1,"project":2,"job":{"uuid":"${uuid}","job":1}}}`,
  `{${body},"uuid ":1," uuid":2,"\\u0000uuid":3,"uuid\\"":4}`,
  `{${body},"project":null}`,
  `{${body},"project":{}}`,
  `{${body},"project":{"job":null}}`,
  `{${body},"project":{"job":{}}}`,
];

describe("an event", () => {
  it("that says twice what it is, in whatever spelling, is a 400 that names the field", async () => {
    captureLog();
    for (const [field, event] of repeated) {
      const { status, body: answer } = await publish(event);
      expect({ event, status }).toEqual({ event, status: 400 });
      expect(answer.message).toMatch(new RegExp(`^${field}: must not be repeated`));
    }
    const { body: answer } = await publish(`[${fine[0]},${repeated[0]?.[1]}]`);
    expect(answer.message).toMatch(/^events\[1\]: uuid: must not be repeated/);
    expect(await archived()).toEqual([]);
  });

  it("may repeat everything else", () => {
    for (const event of fine) {
      expect({ event, parsed: parseEvents(event) }).toEqual({
        event,
        parsed: { events: [expect.objectContaining({ body: event })] },
      });
    }
  });

  it("from the queue that says twice what it is, is kept with the reason", async () => {
    captureLog();
    await consume(repeated.map(([, event]) => event));
    const fields = (await rejected()).map(
      ({ reason }) => /(\S+): must not be repeated/.exec(reason)?.[1] ?? reason,
    );
    expect(fields.toSorted()).toEqual(repeated.map(([field]) => field).toSorted());
  });

  it("with the same member 10,000 times, or with long ones, is looked through in one go", () => {
    const many = `{${body},"project":{${'"same":1,'.repeat(9_999)}"uuid":"${uuid}"}}`;
    const long = `{${body},"${"\\u0061".repeat(10_000)}":1,"x":"${"\\\\".repeat(20_000)}"}`;
    for (const event of [many, long]) expect(parseEvents(event)).toHaveProperty("events");
  });
});
