/**
 * Previews of messages. A preview is read from the message that would be sent, so that it shows what the service
 * displays.
 */
import type { BuiltMessage } from "./build-message";
import { type Fields, isFields } from "./event-fields";
import { formatNames, type ServiceFormat } from "./formats";
import type { Read } from "./read/base";
import { readDiscord } from "./read/discord";
import { readGoogleChat } from "./read/google-chat";
import { readMattermost } from "./read/mattermost";
import { readNtfy } from "./read/ntfy";
import { readOpsgenie } from "./read/opsgenie";
import { readPagerduty } from "./read/pagerduty";
import { readSlack } from "./read/slack";
import { readTeams } from "./read/teams";
import { readTelegram } from "./read/telegram";

/** The services whose bodies are JSON. */
type JsonService = Exclude<ServiceFormat, "orchest" | "cloudevents" | "template" | "ntfy">;

const readers: Record<JsonService, (body: Fields, message: BuiltMessage) => Read> = {
  slack: readSlack,
  discord: readDiscord,
  teams: readTeams,
  google_chat: readGoogleChat,
  mattermost: readMattermost,
  telegram: readTelegram,
  pagerduty: readPagerduty,
  opsgenie: readOpsgenie,
};

/** A preview, in the same shape for every service. Texts are plain: the service's escapes are decoded. */
export type Preview = Omit<Read, "displayedBy"> & {
  /** The format of the service that displays it: Discord also displays Slack's. */
  format: ServiceFormat;
  service: string;
  /** Members of the body that the service does not display. */
  notShown: string[];
};

/** @returns the preview; null for formats that are not displayed to people: `orchest`, `cloudevents`, `template`. */
export function previewOf(format: ServiceFormat, message: BuiltMessage): Preview | null {
  if (format === "orchest" || format === "cloudevents" || format === "template") return null;
  if (format === "ntfy") return { format, service: formatNames.ntfy, ...readNtfy(message), notShown: [] };
  const parsed: unknown = JSON.parse(message.body);
  const body = isFields(parsed) ? parsed : {};
  const notShown = ["delivered_for", "event"].filter((name) => name in body);
  const { displayedBy = format, ...read } = readers[format](body, message);
  return { format: displayedBy, service: formatNames[displayedBy], ...read, notShown };
}
