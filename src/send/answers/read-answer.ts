/** Selects the reader for a service's responses. Its error messages decide together with the status. */
import type { ServiceFormat } from "../message/formats";
import { isDiscordHost, serviceOf } from "../message/recognise-service";
import { readDiscordAnswer } from "./discord";
import { readGoogleChatAnswer } from "./google-chat";
import { readMattermostAnswer } from "./mattermost";
import type { AnswerMeaning, AnswerReader, ServiceAnswer } from "./meaning";
import { readNtfyAnswer } from "./ntfy";
import { readOpsgenieAnswer } from "./opsgenie";
import { readPagerdutyAnswer } from "./pagerduty";
import { readSlackAnswer } from "./slack";
import { readTeamsAnswer } from "./teams";
import { readTelegramAnswer } from "./telegram";

const readers: Partial<Record<ServiceFormat, AnswerReader>> = {
  slack: readSlackAnswer,
  discord: readDiscordAnswer,
  teams: readTeamsAnswer,
  google_chat: readGoogleChatAnswer,
  mattermost: readMattermostAnswer,
  telegram: readTelegramAnswer,
  ntfy: readNtfyAnswer,
  pagerduty: readPagerdutyAnswer,
  opsgenie: readOpsgenieAnswer,
};

/**
 * @returns the reader for the responses of a webhook's service; null for receivers of which only the status counts. The
 *   URL identifies the service, and otherwise the format does: Discord's endpoint for Slack messages responds as
 *   Discord.
 */
export function answerReaderOf(
  format: ServiceFormat,
  url: string,
): ((answer: Omit<ServiceAnswer, "url">) => AnswerMeaning | null) | null {
  const service = serviceOf(url);
  const reader = readers[isDiscordHost(url) ? "discord" : service === "orchest" ? format : service];
  return reader === undefined ? null : (answer) => reader({ ...answer, url });
}
