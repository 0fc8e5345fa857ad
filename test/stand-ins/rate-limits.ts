/** The rate limits of services, and what each answers to requests beyond its own. */
import type { ServiceAnswer, StandIn } from "./types";

/** At most `count` requests within any `perMs`. */
type Limit = { count: number; perMs: number; answer: Omit<ServiceAnswer, "shown"> };

const json = { "Content-Type": "application/json" };

/** By the names of `services`. */
export const limits = {
  // docs.slack.dev, "Rate limits": one per second for incoming webhooks, with `Retry-After` in seconds.
  slack: {
    count: 1,
    perMs: 1000,
    answer: { status: 429, headers: { "Retry-After": "1" }, body: "rate_limited" },
  },
  // docs.discord.com, "Rate Limits": 5 per 2 s and webhook. Without a version in the URL, times of the body are in ms.
  discord: {
    count: 5,
    perMs: 2000,
    answer: {
      status: 429,
      headers: { ...json, "X-RateLimit-Limit": "5", "X-RateLimit-Reset-After": "2", "Retry-After": "2000" },
      body: '{"message":"You are being rate limited.","retry_after":2000,"global":false}',
    },
  },
  // learn.microsoft.com, "Create incoming webhooks", "Rate limiting for connectors": four requests per second.
  teams: {
    count: 4,
    perMs: 1000,
    answer: {
      status: 429,
      headers: { ...json, "Retry-After": "1" },
      body: '{"error":{"code":"WorkflowRunActionRateLimited","message":"Rate limit is exceeded."}}',
    },
  },
  // developers.google.com/workspace/chat/limits: one write per second and space.
  google_chat: {
    count: 1,
    perMs: 1000,
    answer: {
      status: 429,
      headers: json,
      body: '{"error":{"code":429,"message":"Resource has been exhausted.","status":"RESOURCE_EXHAUSTED"}}',
    },
  },
  // core.telegram.org/bots/faq: one message per second in a chat; "ResponseParameters".
  telegram: {
    count: 1,
    perMs: 1000,
    answer: {
      status: 429,
      headers: json,
      body: '{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 1","parameters":{"retry_after":1}}',
    },
  },
} satisfies Record<string, Limit>;

/** A stand-in that keeps count of what it took, by the clock of the test, and refuses what is beyond its limit. */
export function limited(standIn: StandIn, { count, perMs, answer }: Limit): StandIn {
  let taken: number[] = [];
  return (request) => {
    const now = Date.now();
    taken = taken.filter((at) => at > now - perMs);
    if (taken.length >= count) return { ...answer, shown: null };
    taken.push(now);
    return standIn(request);
  };
}
