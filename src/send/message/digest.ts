/** Digests: the content of one message about several events. Pure. */
import { appearanceOf } from "./appearance";
import { type Fields, objectAt, textOf } from "./event-fields";
import type { ServiceFormat } from "./formats";
import { happeningOf, type Outcome, type Sentence } from "./sentence";

/** The formats with digests. Alerts, and events for programs, are about a single event. */
export const digestFormats = [
  "slack",
  "discord",
  "teams",
  "google_chat",
  "mattermost",
  "telegram",
  "ntfy",
] as const satisfies readonly ServiceFormat[];

/** The most events that a digest lists. */
const linesMax = 10;

/** An event and its sentence. */
export type DigestItem = { fields: Fields; sentence: Sentence };

/** A listed event: an icon and its sentence as plain text, and the URL of its page in Orchest, or null. */
export type DigestLine = { text: string; link: string | null };

/** A digest. `count`: the number of all events. `lines`: the first ones, in order. */
export type Digest = { count: number; lines: DigestLine[] };

/** The worst first. */
const severity: readonly Outcome[] = ["failure", "cancelled", "started", "info", "success"];

/** Whether a format has digests. */
export function hasDigests(format: ServiceFormat): boolean {
  return digestFormats.some((one) => one === format);
}

/**
 * @param items at least two, in order.
 * @param orchestUrl the URL of Orchest's pages; null: the digest has no link.
 * @returns `12 runs failed in Sales` as a sentence without facts, and the first events.
 */
export function digestOf(
  items: readonly DigestItem[],
  orchestUrl: string | null,
): { sentence: Sentence; digest: Digest } {
  const lines = items.slice(0, linesMax).map(({ sentence: { title, outcome, link } }) => ({
    text: `${appearanceOf(outcome).icon} ${title}`,
    link,
  }));
  const digest = { count: items.length, lines };
  const title = titleOf(items);
  const links = new Set(items.map(({ sentence }) => sentence.link));
  const [link = null] = links;
  const text = [title, ...lines.map((line) => line.text), ...moreOf(digest, lines.length)].join("\n");
  return {
    sentence: {
      title,
      outcome: severity.find((one) => items.some(({ sentence }) => sentence.outcome === one)) ?? "info",
      facts: [],
      link: links.size === 1 ? link : (URL.parse(orchestUrl ?? "")?.href ?? null),
      text,
    },
    digest,
  };
}

/**
 * Builds a message with as many of the lines as fit.
 * @param build builds it from lines, the last of which may give the number of further events.
 * @param fits whether a message fits. If not, it is built again without the last line. It is not called for a message
 *   without lines.
 */
export function withFittingLines<Built>(
  digest: Digest,
  build: (lines: readonly DigestLine[]) => Built,
  fits: (built: Built) => boolean,
): Built {
  for (let shown = digest.lines.length; ; shown--) {
    const more = moreOf(digest, shown).map((text) => ({ text, link: null }));
    const built = build([...digest.lines.slice(0, shown), ...more]);
    if (shown === 0 || fits(built)) return built;
  }
}

function moreOf({ count }: Digest, shown: number): string[] {
  if (shown === 0) return [];
  return count > shown ? [`and ${count - shown} more`] : [];
}

function titleOf(items: readonly DigestItem[]): string {
  const happenings = items.map(({ fields }) => happeningOf(fields["type"]));
  const things = new Set(happenings.map((happening) => happening?.things ?? "events"));
  const verbs = new Set(happenings.map((happening) => happening?.verb ?? ""));
  const [thing = "events"] = things;
  const [verb = ""] = verbs;
  const what = things.size === 1 ? thing : "events";
  const place = what === "projects" ? "" : placeOf(items);
  if (what !== "events" && verbs.size === 1) return `${items.length} ${what} ${verb}${place}`;
  const failures = items.filter(({ sentence }) => sentence.outcome === "failure").length;
  return `${items.length} ${what}${place}${failures > 0 ? `, ${failures} failed` : ""}`;
}

/** ` in Sales`, ` in 3 projects`; empty where some belong to no project. */
function placeOf(items: readonly DigestItem[]): string {
  const projects = items.map(({ fields }) => objectAt(fields, "project"));
  const keys = new Set(projects.map((project) => textOf(project, "uuid") ?? textOf(project, "name")));
  if (keys.size > 1) {
    const known = [...keys].filter((key) => key !== null).length;
    return known > 1 ? ` in ${known} projects` : "";
  }
  // A project that was renamed meanwhile has its latest name.
  const name = projects.map((project) => textOf(project, "name")).findLast((one) => one !== null) ?? null;
  return name === null ? "" : ` in ${name}`;
}
