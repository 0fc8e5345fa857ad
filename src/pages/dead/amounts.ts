/** Amounts in sentences. */
import { count } from "../parts/figures";

/** `1 dead letter`, `1,234 dead letters` */
export function letters(total: number): string {
  return `${count(total)} dead ${total === 1 ? "letter" : "letters"}`;
}

/** `1 webhook`, `12 webhooks` */
export function webhooks(total: number): string {
  return `${count(total)} ${total === 1 ? "webhook" : "webhooks"}`;
}
