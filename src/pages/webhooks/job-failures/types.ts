/**
 * The switch "Notify me when a job run fails", as Orchest's settings page has it: it stands for two subscriptions of
 * every webhook, and leaves all others alone.
 */
import type { SwitchedWebhook, Turn } from "../../../webhooks/job-failure-switch";
import { subscriptionsMax } from "../../../webhooks/schemas";
import { count } from "../../parts/format-numbers";
import type { Outcome } from "../../parts/outcome";
import { nameOf } from "../names-and-paths";

/** Orchest's own choice of what the failure of a job run is. */
export const jobFailureTypes = [
  "project:one-off-job:pipeline-run:failed",
  "project:cron-job:run:pipeline-run:failed",
] as const;

/** What the outcome of the switch is about. */
export const about = "job-failures";

/** Whether an outcome is the switch's, which shows it itself. */
export function isOfSwitch(outcome: Outcome | null): boolean {
  return outcome?.about === about;
}

/** @param to the form's field or the address's parameter: `on` or `off`. @returns null for anything else. */
export function readTurn(to: unknown): Turn | null {
  if (to !== "on" && to !== "off") return null;
  return { isOn: to === "on", types: jobFailureTypes, max: subscriptionsMax };
}

/** @returns the path of the page that asks whether the switch is to be turned. @param after where the list begins. */
export function confirmPath({ isOn }: Turn, after: number): string {
  const query = new URLSearchParams({ to: isOn ? "on" : "off", ...(after > 0 && { after: String(after) }) });
  return `/job-failures?${query.toString()}`;
}

/** What is said of webhooks that have no room: `at most 1,000 subscriptions`. */
export const mostSubscriptions = `${count(subscriptionsMax)} subscriptions are the most`;

/** A sentence names so many webhooks. */
const namesMax = 5;
const nameCharactersMax = 30;

/** `Alerts, Channel and 3 more` */
export function namesOf(webhooks: readonly Pick<SwitchedWebhook, "name" | "origin">[]): string {
  const names = webhooks.slice(0, namesMax).map(nameOf).map(cut);
  const left = webhooks.length - names.length;
  return names.join(", ") + (left > 0 ? ` and ${count(left)} more` : "");
}

function cut(name: string): string {
  return name.length <= nameCharactersMax ? name : `${name.slice(0, nameCharactersMax).toWellFormed()}…`;
}
