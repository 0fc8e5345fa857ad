/** Where the pages about dead letters are, and how forms and addresses name what they are about. */
import { z } from "zod";

/** A replay in an address: of which webhook. */
export type NamedReplay = { webhook: string; replay: string };

/** A dead letter in a form: of which webhook, and its place in the webhook's line. */
export type NamedDeadLetter = { webhook: string; sequence: number };

/** So many webhooks are sent to again at a go: the page of their progress asks each of their lanes. */
export const webhooksPerGo = 50;

/** @returns the path of the list of one webhook's dead letters, below a sequence where that is given. */
export function deadPathOf(webhookUuid: string, before?: number): string {
  const query = new URLSearchParams({ webhook: webhookUuid });
  if (before !== undefined) query.set("cursor", String(before));
  return `/dead?${query.toString()}`;
}

/** @returns the path of the page that asks whether all of these are to be sent again. */
export function confirmPath(what: { webhook: string } | { all: "yes" }): string {
  return `/dead/replay?${new URLSearchParams(what).toString()}`;
}

/** @returns the path of the page of their progress. @param next the id after which there are more webhooks. */
export function progressPath(replays: readonly NamedReplay[], next: number | null): string {
  const query = new URLSearchParams(replays.map(({ webhook, replay }) => ["of", `${webhook}:${replay}`]));
  if (next !== null) query.set("after", String(next));
  // A colon may stand in a query, and the address is long enough.
  return `/dead/replays?${query.toString().replaceAll("%3A", ":")}`;
}

/** Reads one of what `progressPath` writes; null for what it never does. */
export function readReplay(text: string): NamedReplay | null {
  const [webhook = "", replay = "", ...others] = text.toLowerCase().split(":");
  return isUuid(webhook) && isUuid(replay) && others.length === 0 ? { webhook, replay } : null;
}

/** @returns a letter as forms send it. */
export function deadLetterValue({ webhook, sequence }: NamedDeadLetter): string {
  return `${webhook}:${sequence}`;
}

/** Reads what `deadLetterValue` writes; null for what it never does. */
export function readDeadLetter(text: string): NamedDeadLetter | null {
  const [webhook = "", sequence = "", ...others] = text.toLowerCase().split(":");
  const isRight = isUuid(webhook) && /^[1-9]\d{0,14}$/.test(sequence) && others.length === 0;
  return isRight ? { webhook, sequence: Number(sequence) } : null;
}

function isUuid(text: string): boolean {
  return z.guid().safeParse(text).success;
}
