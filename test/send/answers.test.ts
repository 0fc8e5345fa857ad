import { describe, expect, it, vi } from "vitest";
import { answerReaderOf } from "../../src/send/answers/read-answer";
import type { AnswerMeaning } from "../../src/send/answers/meaning";
import { attempt, type AttemptResult } from "../../src/send/attempt";
import { explainFailure } from "../../src/send/explain-failure";
import type { ServiceFormat } from "../../src/send/message/formats";
import { serviceOf } from "../../src/send/message/recognise-service";
import { forAll } from "../for-all";
import { receiver } from "../receiver";

const urls = {
  slack: "https://hooks.slack.com/services/T0/B0/x",
  workflow: "https://hooks.slack.com/triggers/T0/1/x",
  discord: "https://discord.com/api/webhooks/1/x",
  discord7: "https://discord.com/api/v7/webhooks/1/x",
  discord10: "https://discord.com/api/v10/webhooks/1/x",
  discordSlack: "https://discord.com/api/webhooks/1/x/slack",
  teams: "https://prod-01.westeurope.logic.azure.com/workflows/x/triggers/manual/paths/invoke",
  connector: "https://acme.webhook.office.com/webhookb2/x",
  chat: "https://chat.googleapis.com/v1/spaces/A/messages",
  mattermost: "https://acme.cloud.mattermost.com/hooks/x",
  telegram: "https://api.telegram.org/bot1:x/sendMessage",
  ntfy: "https://ntfy.sh/topic",
  pagerduty: "https://events.pagerduty.com/v2/enqueue",
  opsgenie: "https://api.opsgenie.com/v2/alerts",
};

type Place = keyof typeof urls;

/** How an answer is read. @param answer a text, or an object for its JSON. */
function read(
  place: Place,
  status: number,
  answer: unknown,
  headers: Record<string, string> = {},
): AnswerMeaning | null {
  const url = urls[place];
  const body = typeof answer === "string" ? answer : JSON.stringify(answer);
  return answerReaderOf(serviceOf(url), url)?.({ status, headers: new Headers(headers), body }) ?? null;
}

const teamsFailure = (status: number): string =>
  `Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error ${status} with ContextId tcid=0`;
const microsoft = (code: string) => ({ error: { code, message: "Words." } });
const google = (status: string, message = "Words.") => ({ error: { code: 400, message, status } });
const telegram = (error_code: number, description: string) => ({ ok: false, error_code, description });

describe("what a service answers", () => {
  it("is a success when it says nothing else", () =>
    forAll(
      [
        ["slack", 200, "ok"],
        ["workflow", 200, { ok: true }],
        ["discord", 204, ""],
        ["discord", 200, { id: "1" }],
        ["teams", 202, ""],
        ["connector", 200, "1"],
        ["chat", 200, { name: "spaces/A/messages/1" }],
        ["mattermost", 200, "ok"],
        ["mattermost", 200, { success: true }],
        ["telegram", 200, { ok: true, result: {} }],
        ["ntfy", 200, { id: "x", event: "message" }],
        ["pagerduty", 202, { status: "success", message: "Event processed" }],
        ["opsgenie", 202, { result: "Request will be processed" }],
      ] as [Place, number, unknown][],
      (place, status, answer) => expect(read(place, status, answer)).toBeNull(),
    ));

  it("as a 200 may be a failure", () =>
    forAll(
      [
        ["connector", teamsFailure(429), "failed"],
        ["connector", teamsFailure(500), "failed"],
        ["connector", teamsFailure(413), "refused"],
        [
          "connector",
          "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP 429",
          "failed",
        ],
        ["connector", teamsFailure(404), "gone"],
        ["workflow", { ok: false, error: "internal_error" }, "failed"],
        ["telegram", telegram(500, "Internal Server Error"), "failed"],
        ["mattermost", { success: false, error: "Something" }, "failed"],
      ] as [Place, unknown, string][],
      (place, answer, kind) => expect(read(place, 200, answer)?.kind).toBe(kind),
    ));

  it("may say that no message will ever arrive, in its own words", () =>
    forAll(
      [
        ["slack", 404, "no_service", "Slack: no_service"],
        ["slack", 410, "channel_is_archived", "Slack: channel_is_archived"],
        ["slack", 404, "channel_not_found\n", "Slack: channel_not_found"],
        ["slack", 403, "action_prohibited", "Slack: action_prohibited"],
        ["slack", 403, "invalid_token", "Slack: invalid_token"],
        ["workflow", 404, { ok: false, error: "trigger_not_found" }, "Slack: trigger_not_found"],
        ["discord", 404, { message: "Unknown Webhook", code: 10015 }, "Discord: Unknown Webhook"],
        ["discord", 401, { message: "Invalid Webhook Token", code: 50027 }, "Discord: Invalid Webhook Token"],
        ["discordSlack", 404, { message: "Unknown Webhook", code: 10015 }, "Discord: Unknown Webhook"],
        [
          "teams",
          400,
          microsoft("WorkflowTriggerIsNotEnabled"),
          "Microsoft: WorkflowTriggerIsNotEnabled: Words.",
        ],
        ["teams", 404, microsoft("WorkflowNotFound"), "Microsoft: WorkflowNotFound: Words."],
        [
          "teams",
          401,
          microsoft("DirectApiAuthorizationRequired"),
          "Microsoft: DirectApiAuthorizationRequired: Words.",
        ],
        [
          "connector",
          404,
          "Connector configuration not found",
          "Microsoft: Connector configuration not found",
        ],
        ["chat", 404, google("NOT_FOUND"), "Google Chat: Words."],
        ["chat", 403, google("PERMISSION_DENIED"), "Google Chat: Words."],
        [
          "chat",
          400,
          google("INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
          "Google Chat: API key not valid. Please pass a valid API key.",
        ],
        ["chat", 400, google("INVALID_ARGUMENT", "Invalid token."), "Google Chat: Invalid token."],
        [
          "mattermost",
          400,
          { id: "web.incoming_webhook.invalid.app_error", message: "Invalid webhook." },
          "Mattermost: Invalid webhook.",
        ],
        [
          "mattermost",
          400,
          { success: false, error: "Invalid integration id or token provided." },
          "Rocket.Chat: Invalid integration id or token provided.",
        ],
        ["telegram", 401, telegram(401, "Unauthorized"), "Telegram: Unauthorized"],
        [
          "telegram",
          403,
          telegram(403, "Forbidden: bot was kicked from the group chat"),
          "Telegram: Forbidden: bot was kicked from the group chat",
        ],
        [
          "telegram",
          400,
          telegram(400, "Bad Request: chat not found"),
          "Telegram: Bad Request: chat not found",
        ],
        [
          "telegram",
          400,
          {
            ...telegram(400, "Bad Request: group chat was upgraded to a supergroup chat"),
            parameters: { migrate_to_chat_id: -1001 },
          },
          "Telegram: Bad Request: group chat was upgraded to a supergroup chat: the chat's new id is -1001",
        ],
        ["ntfy", 403, { code: 40301, http: 403, error: "forbidden" }, "ntfy: forbidden"],
        [
          "pagerduty",
          400,
          { status: "invalid event", message: "Event object is invalid", errors: ["Invalid routing key"] },
          "PagerDuty: Event object is invalid: Invalid routing key",
        ],
        ["opsgenie", 401, { message: "Could not authenticate" }, "Opsgenie: Could not authenticate"],
        ["opsgenie", 422, { message: "Key format is not valid!" }, "Opsgenie: Key format is not valid!"],
      ] as [Place, number, unknown, string][],
      (place, status, answer, reason) =>
        expect(read(place, status, answer)).toEqual({ kind: "gone", reason }),
    ));

  it("may say that this message will never be taken, and which field is wrong", () =>
    forAll(
      [
        ["slack", 400, "invalid_payload", "Slack: invalid_payload"],
        ["slack", 400, "no_text", "Slack: no_text"],
        ["slack", 400, "invalid_blocks", "Slack: invalid_blocks"],
        [
          "discord",
          400,
          {
            message: "Invalid Form Body",
            code: 50035,
            errors: {
              embeds: {
                0: {
                  fields: {
                    1: { value: { _errors: [{ code: "X", message: "Must be 1024 or fewer in length." }] } },
                  },
                },
              },
            },
          },
          "Discord: Invalid Form Body: embeds.0.fields.1.value: Must be 1024 or fewer in length.",
        ],
        [
          "discord",
          400,
          { message: "Cannot send an empty message", code: 50006 },
          "Discord: Cannot send an empty message",
        ],
        [
          "teams",
          400,
          microsoft("TriggerInputSchemaMismatch"),
          "Microsoft: TriggerInputSchemaMismatch: Words.",
        ],
        ["connector", 400, "Summary or Text is required.", "Microsoft: Summary or Text is required."],
        [
          "chat",
          400,
          google("INVALID_ARGUMENT", 'Unknown name "x": Cannot find field.'),
          'Google Chat: Unknown name "x": Cannot find field.',
        ],
        ...[
          "Invalid JSON payload received. Unexpected token.",
          'Invalid JSON payload received. Unknown name "webhook": Cannot find field.',
          "Invalid value at 'message.api key' (TYPE_STRING), 0",
          "Message contains an unexpected token.",
        ].map((words) => ["chat", 400, google("INVALID_ARGUMENT", words), `Google Chat: ${words}`]),
        [
          "opsgenie",
          422,
          { message: "Request body is not processable. A key of the details is too long." },
          "Opsgenie: Request body is not processable. A key of the details is too long.",
        ],
        [
          "mattermost",
          400,
          { id: "web.incoming_webhook.text.app_error", message: "No text specified." },
          "Mattermost: No text specified.",
        ],
        [
          "telegram",
          400,
          telegram(400, "Bad Request: can't parse entities"),
          "Telegram: Bad Request: can't parse entities",
        ],
        [
          "ntfy",
          400,
          { code: 40007, http: 400, error: "invalid request: priority invalid" },
          "ntfy: invalid request: priority invalid",
        ],
        [
          "pagerduty",
          400,
          { message: "Event object is invalid", errors: ["'payload.severity' is invalid"] },
          "PagerDuty: Event object is invalid: 'payload.severity' is invalid",
        ],
        [
          "opsgenie",
          422,
          { message: "Request body is not processable", errors: { message: "is not valid" } },
          "Opsgenie: Request body is not processable: message is not valid",
        ],
      ] as [Place, number, unknown, string][],
      (place, status, answer, reason) =>
        expect(read(place, status, answer)).toEqual({ kind: "refused", reason }),
    ));

  it("asks for a pause in its own unit", () =>
    forAll(
      [
        // Unversioned URLs and old versions: milliseconds; X-RateLimit-Reset-After: always seconds.
        ["discord", { retry_after: 1834 }, { "Retry-After": "1834" }, 1834],
        ["discord7", { retry_after: 1834 }, {}, 1834],
        ["discord10", { retry_after: 1.834 }, { "Retry-After": "2" }, 1834],
        [
          "discord",
          { retry_after: 1834 },
          { "X-RateLimit-Reset-After": "1.834", "Retry-After": "1834" },
          1834,
        ],
        ["discord10", { retry_after: 0.3, global: true }, {}, 300],
        ["discordSlack", { retry_after: 500 }, { "Retry-After": "500" }, 500],
        // Cloudflare, before Discord, answers in HTML and seconds.
        ["discord", "<html>error code: 1015</html>", { "Retry-After": "30" }, 30_000],
        [
          "telegram",
          { ...telegram(429, "Too Many Requests: retry after 5"), parameters: { retry_after: 5 } },
          {},
          5000,
        ],
        [
          "opsgenie",
          { message: "You are making too many requests!" },
          { "X-RateLimit-Period-In-Sec": "60" },
          60_000,
        ],
        ["opsgenie", { message: "You are making too many requests!" }, { "Retry-After": "7" }, 7000],
      ] as [Place, unknown, Record<string, string>, number][],
      (place, answer, headers, retryAfterMs) =>
        expect(read(place, 429, answer, headers)).toMatchObject({ kind: "failed", retryAfterMs }),
    ));

  it("is left to the status where it says nothing that is known", () =>
    forAll(
      [
        ["slack", 500, "rollup_error"],
        ["slack", 429, "rate_limited"],
        ["discord", 502, "<html>"],
        ["discord", 400, { message: "Something new", code: 99 }],
        ["teams", 429, microsoft("WorkflowRunActionsThrottled")],
        ["teams", 502, "NoResponse"],
        ["chat", 429, google("RESOURCE_EXHAUSTED")],
        ["telegram", 502, "<html>Bad Gateway</html>"],
        ["telegram", 404, "<html>Not Found</html>"],
        ["pagerduty", 429, ""],
        ["ntfy", 429, { code: 42901, http: 429, error: "limit reached" }],
        ["opsgenie", 503, { message: "Service Unavailable" }],
        ["mattermost", 500, '{"id":"cut'],
      ] as [Place, number, unknown][],
      (place, status, answer) => expect(read(place, status, answer)).toBeNull(),
    ));

  it("is read as of the service that was chosen where the URL is one's own, and for no format of no service", () => {
    const url = "https://chat.example.com/hooks/x";
    const invalid = { id: "web.incoming_webhook.invalid.app_error", message: "Invalid webhook." };
    const answer = { status: 400, headers: new Headers(), body: JSON.stringify(invalid) };
    expect(answerReaderOf("mattermost", url)?.(answer)?.kind).toBe("gone");
    for (const format of ["orchest", "cloudevents", "template"] satisfies ServiceFormat[]) {
      expect(answerReaderOf(format, url)).toBeNull();
    }
  });
});

async function attemptAt(place: Place, answer: Response): Promise<AttemptResult> {
  receiver(() => answer);
  const url = urls[place];
  return attempt({
    url,
    headers: {},
    body: new Uint8Array(),
    timeoutMs: 5000,
    verify: true,
    read: answerReaderOf(serviceOf(url), url),
  });
}

/** A 429. */
function limited(body: string): Response {
  return new Response(body, { status: 429, headers: { "Retry-After": "1834" } });
}

describe("an attempt at a service", () => {
  it("that got a 200 which says that it failed is a failure, and says why", async () => {
    const result = await attemptAt("connector", new Response(teamsFailure(429)));
    expect(result).toMatchObject({ status: 200, error: "service_error", retryAfterMs: null });
    expect(result.refusal).toBeUndefined();
    expect(explainFailure({ ...result, error: "service_error" }, 5000)).toBe(
      `the service answered 200, but says that it failed: “${teamsFailure(429)}”`,
    );
  });

  it("takes a pause from the answer itself, and Retry-After where the service says nothing else", async () => {
    expect((await attemptAt("discord", limited('{"retry_after":1834}'))).retryAfterMs).toBe(1834);
    expect((await attemptAt("slack", limited("rate_limited"))).retryAfterMs).toBe(1_834_000);
  });

  it("says which field is wrong instead of showing JSON", async () => {
    const errors = {
      content: { _errors: [{ code: "BASE_TYPE_MAX_LENGTH", message: "Must be 2000 or fewer in length." }] },
    };
    const body = JSON.stringify({ message: "Invalid Form Body", code: 50_035, errors });
    const result = await attemptAt("discord", new Response(body, { status: 400 }));
    expect(result.refusal?.kind).toBe("refused");
    expect(explainFailure({ ...result, error: "http_4xx" }, 5000)).toBe(
      "the receiver answered 400 Bad Request: “Invalid Form Body: content: Must be 2000 or fewer in length.”",
    );
    vi.restoreAllMocks();
  });
});
