/** Paths of the pages about dead letters, and identifiers of dead letters and replays in forms and queries. */
import { z } from "zod";

/** A replay in a query, with its webhook's uuid. */
export type NamedReplay = { webhook: string; replay: string };

/** A dead letter in a form: its webhook's uuid and its sequence number. */
export type NamedDeadLetter = { webhook: string; sequence: number };

/** How many webhooks one form replays. The progress page calls each of their lanes. */
export const webhooksPerForm = 50;

/**
 * @returns the path of the list of one webhook's dead letters. @param before lists only sequence numbers below this
 *   one.
 */
export function deadPathOf(webhookUuid: string, before?: number): string {
  const query = new URLSearchParams({ webhook: webhookUuid });
  if (before !== undefined) query.set("cursor", String(before));
  return `/dead?${query.toString()}`;
}

/** @returns the path of the page that asks to confirm a replay. */
export function confirmPath(what: { webhook: string } | { all: "yes" }): string {
  return `/dead/replay?${new URLSearchParams(what).toString()}`;
}

/**
 * @returns the path of the progress page. @param next the id after which there are more webhooks; null when there are
 *   no more.
 */
export function progressPath(replays: readonly NamedReplay[], next: number | null): string {
  const query = new URLSearchParams(replays.map(({ webhook, replay }) => ["of", `${webhook}:${replay}`]));
  if (next !== null) query.set("after", String(next));
  // A query may contain colons; unescaped they keep the URL short.
  return `/dead/replays?${query.toString().replaceAll("%3A", ":")}`;
}

/** Parses a replay as `progressPath` writes it; null if invalid. */
export function readReplay(text: string): NamedReplay | null {
  const [webhook = "", replay = "", ...others] = text.toLowerCase().split(":");
  return isUuid(webhook) && isUuid(replay) && others.length === 0 ? { webhook, replay } : null;
}

/** @returns the value of a dead letter in a form. */
export function deadLetterValue({ webhook, sequence }: NamedDeadLetter): string {
  return `${webhook}:${sequence}`;
}

/** Parses what `deadLetterValue` writes; null if invalid. */
export function readDeadLetter(text: string): NamedDeadLetter | null {
  const [webhook = "", sequence = "", ...others] = text.toLowerCase().split(":");
  const isValid = isUuid(webhook) && /^[1-9]\d{0,14}$/.test(sequence) && others.length === 0;
  return isValid ? { webhook, sequence: Number(sequence) } : null;
}

function isUuid(text: string): boolean {
  return z.guid().safeParse(text).success;
}
