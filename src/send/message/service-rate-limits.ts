/** The default rate limit of each service. */
import type { ServiceFormat } from "./formats";

/**
 * Attempts per second. Slack: "1 per second" for incoming webhooks (docs.slack.dev, "Rate limits"). Discord: 5 per 2 s
 * and webhook, according to its `X-RateLimit-Limit` and `X-RateLimit-Reset-After`. Teams: "four requests per second"
 * (learn.microsoft.com, "Create incoming webhooks"). Google Chat: "1 per second and space"
 * (developers.google.com/workspace/chat/limits). Telegram: "avoid sending more than one message per second" in a chat
 * (core.telegram.org/bots/faq).
 */
const rateLimits: Partial<Record<ServiceFormat, number>> = {
  slack: 1,
  discord: 2.5,
  teams: 4,
  google_chat: 1,
  telegram: 1,
};

/** @returns how many attempts may start per second when the webhook's `rate_limit_per_s` is not set; null: no limit. */
export function defaultRateLimitOf(format: ServiceFormat): number | null {
  return rateLimits[format] ?? null;
}
