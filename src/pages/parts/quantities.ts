/** Quantities in sentences. */
import { count } from "./format-numbers";

/** `1 dead letter`, `1,234 dead letters` */
export function deadLettersText(total: number): string {
  return `${count(total)} dead ${total === 1 ? "letter" : "letters"}`;
}

/** `1 webhook`, `12 webhooks` */
export function webhooks(total: number): string {
  return `${count(total)} ${total === 1 ? "webhook" : "webhooks"}`;
}

/** `once`, `12 times` */
export function times(total: number): string {
  return total === 1 ? "once" : `${count(total)} times`;
}
