/** The section with the dead letters of one webhook: a page of them, to select or resend. */
import type { WebhookWithDeadLetters } from "../../webhooks/dead-letters";
import type { LogPage, LoggedDelivery } from "../../lane/delivery-log";
import { deliveryUuid } from "../../send/delivery-uuid";
import { count } from "../parts/format-numbers";
import { deadLettersText } from "../parts/quantities";
import { EventTitle } from "../parts/event-title";
import { Cell, Table } from "../parts/table";
import { Time } from "../parts/time";
import { LastError } from "../webhooks/log-table";
import { deliveryPath, hostOf, nameOf, webhookPath } from "../webhooks/names-and-paths";
import { confirmPath, deadPathOf, deadLetterValue } from "./paths";

/** Replaying more dead letters of a webhook than this is confirmed first. */
export const unconfirmedMax = 25;

/** A page of a lane's dead letters, and how many there are. */
type DeadLetters = LogPage & { count: number };

/** `deadLetters`: null when the lane did not respond. */
export type DeadOfWebhook = { webhook: WebhookWithDeadLetters; deadLetters: DeadLetters | null };

/**
 * One webhook's section, inside the form that replays dead letters.
 * @param props.mayWrite whether the caller may replay. @param props.isAlone the only section, which has pages.
 */
export function WebhookDeadLetters({
  webhook,
  deadLetters,
  mayWrite,
  isAlone,
}: DeadOfWebhook & { mayWrite: boolean; isAlone: boolean }) {
  const titleId = `webhook-${webhook.uuid}`;
  return (
    <section class="card" aria-labelledby={titleId}>
      <div class="row spread">
        <div>
          <h2 id={titleId} class="flush">
            <a href={webhookPath(webhook)}>{nameOf(webhook)}</a>
          </h2>
          <p class="muted small flush">
            {hostOf(webhook)}
            {deadLetters !== null && ` · ${deadLettersText(deadLetters.count)}`}
          </p>
        </div>
        {mayWrite && deadLetters !== null && <ReplayAll webhook={webhook} total={deadLetters.count} />}
      </div>
      <div class="stack">
        {webhook.state !== "active" && (
          <p class="notice warn">This webhook is {webhook.state}: replays wait until it is resumed.</p>
        )}
        {deadLetters === null && (
          <p class="notice bad">Dead letters are unavailable right now. No data is lost: try again.</p>
        )}
        {deadLetters !== null && deadLetters.deliveries.length > 0 && (
          <DeadLetterTable webhook={webhook} deliveries={deadLetters.deliveries} mayWrite={mayWrite} />
        )}
        {deadLetters?.deliveries.length === 0 && (
          <p class="muted">
            {deadLetters.next === null ? "No more dead letters." : "No dead letters on this page."}
          </p>
        )}
        {deadLetters !== null && deadLetters.next !== null && (
          <p>
            <a href={isAlone ? deadPathOf(webhook.uuid, deadLetters.next) : deadPathOf(webhook.uuid)}>
              {isAlone ? "Older" : `Show all of ${nameOf(webhook)}`}
            </a>
          </p>
        )}
      </div>
    </section>
  );
}

function ReplayAll({ webhook, total }: { webhook: WebhookWithDeadLetters; total: number }) {
  const text = (
    <>
      {total === 1 ? "Replay 1" : `Replay all ${count(total)}`}
      <span class="visually-hidden"> of {nameOf(webhook)}</span>
    </>
  );
  return total > unconfirmedMax ? (
    <a class="button small" href={confirmPath({ webhook: webhook.uuid })}>
      {text}
    </a>
  ) : (
    <button class="button small" type="submit" name="webhook" value={webhook.uuid}>
      {text}
    </button>
  );
}

function DeadLetterTable({
  webhook,
  deliveries,
  mayWrite,
}: {
  webhook: WebhookWithDeadLetters;
  deliveries: LoggedDelivery[];
  mayWrite: boolean;
}) {
  return (
    <Table
      columns={[
        mayWrite && "Select",
        "Delivery",
        "Event",
        "Last attempt",
        "Last error",
        mayWrite && "Resend",
      ]}
    >
      {deliveries.map((delivery) => (
        <DeadLetterRow webhook={webhook} delivery={delivery} mayWrite={mayWrite} />
      ))}
    </Table>
  );
}

function DeadLetterRow({
  webhook,
  delivery,
  mayWrite,
}: {
  webhook: WebhookWithDeadLetters;
  delivery: LoggedDelivery;
  mayWrite: boolean;
}) {
  const value = deadLetterValue({ webhook: webhook.uuid, sequence: delivery.sequence });
  const name = `#${delivery.sequence} of ${nameOf(webhook)}`;
  return (
    <tr>
      {mayWrite && (
        <Cell label="Select">
          <label class="choice">
            <input type="checkbox" name="letter" value={value} />
            <span class="visually-hidden">{name}</span>
          </label>
        </Cell>
      )}
      <th scope="row">
        <a href={deliveryPath(webhook, deliveryUuid(webhook.uuid, delivery.sequence))}>
          #{delivery.sequence}
          <span class="visually-hidden"> of {nameOf(webhook)}</span>
        </a>
      </th>
      <Cell label="Event">
        <EventTitle title={delivery.title} type={delivery.eventType} />
      </Cell>
      <Cell label="Last attempt">
        <Time at={delivery.lastAttemptAt} otherwise="Never" />
      </Cell>
      <Cell label="Last error">
        <LastError {...delivery} />
      </Cell>
      {mayWrite && (
        <Cell label="Resend">
          <button class="button small" type="submit" name="one" value={value}>
            Resend<span class="visually-hidden"> {name}</span>
          </button>
        </Cell>
      )}
    </tr>
  );
}
