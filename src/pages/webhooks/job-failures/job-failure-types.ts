/**
 * The switch "Notify me when a job run fails", as on Orchest's settings page: it adds or removes two subscriptions of
 * every webhook.
 */
import type { SwitchedWebhook, SwitchChange } from "../../../webhooks/job-failure-switch";
import { subscriptionsMax } from "../../../webhooks/schemas";
import { count } from "../../parts/format-numbers";
import type { Outcome } from "../../parts/outcome";
import { nameOf } from "../names-and-paths";

/** The event types that Orchest counts as failures of job runs. */
export const jobFailureTypes = [
  "project:one-off-job:pipeline-run:failed",
  "project:cron-job:run:pipeline-run:failed",
] as const;

/** `about` of the switch's outcomes. */
export const jobFailuresAbout = "job-failures";

/** Whether an outcome is about the switch, which shows it itself. */
export function isOfSwitch(outcome: Outcome | null): boolean {
  return outcome?.about === jobFailuresAbout;
}

/** @param to of the form or query: `on` or `off`. @returns null for anything else. */
export function readTurn(to: unknown): SwitchChange | null {
  if (to !== "on" && to !== "off") return null;
  return { isOn: to === "on", types: jobFailureTypes, max: subscriptionsMax };
}

/** @returns the path of the page that asks for confirmation. @param after where the list starts. */
export function confirmPath({ isOn }: SwitchChange, after: number): string {
  const query = new URLSearchParams({ to: isOn ? "on" : "off", ...(after > 0 && { after: String(after) }) });
  return `/job-failures?${query.toString()}`;
}

/** Why a webhook is skipped: `at the limit of 1,000 subscriptions`. */
export const atSubscriptionLimit = `at the limit of ${count(subscriptionsMax)} subscriptions`;

/** How many webhooks a sentence names. */
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
