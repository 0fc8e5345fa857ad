/** The dead letters of one webhook: a page of them, each of which can be ticked or sent again. */
import type { WebhookWithDead } from "../../webhooks/dead-letters";
import type { LogPage, LoggedDelivery } from "../../lane/delivery-log";
import { deliveryUuid } from "../../send/delivery-uuid";
import { count } from "../parts/format-numbers";
import { Cell, Table } from "../parts/table";
import { Time } from "../parts/time";
import { LastError } from "../webhooks/log-table";
import { deliveryPath, hostOf, nameOf, webhookPath } from "../webhooks/names-and-paths";
import { confirmPath, deadPathOf, deadLetterValue } from "./paths";

/** From here on sending all of a webhook's letters again is asked for twice. */
export const confirmFrom = 25;

/** What a lane says of its dead letters. */
type DeadLetters = LogPage & { count: number };

/** @param props.deadLetters null where the lane did not answer. */
export type DeadOfWebhook = { webhook: WebhookWithDead; deadLetters: DeadLetters | null };

/**
 * One webhook's section, inside of the form that sends letters again.
 * @param props.mayWrite whether they can be sent again. @param props.isAlone it is the only one, with pages of its own.
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
            {deadLetters !== null &&
              ` · ${count(deadLetters.count)} ${deadLetters.count === 1 ? "letter" : "letters"}`}
          </p>
        </div>
        {mayWrite && deadLetters !== null && <ReplayAll webhook={webhook} total={deadLetters.count} />}
      </div>
      <div class="stack">
        {webhook.state !== "active" && (
          <p class="notice warn">
            This webhook is {webhook.state}: what you send again waits until it is resumed.
          </p>
        )}
        {deadLetters === null && (
          <p class="notice bad">Its dead letters cannot be read right now. Nothing is lost: try again.</p>
        )}
        {deadLetters !== null && deadLetters.deliveries.length > 0 && (
          <DeadLetterTable webhook={webhook} deliveries={deadLetters.deliveries} mayWrite={mayWrite} />
        )}
        {deadLetters?.deliveries.length === 0 && (
          <p class="muted">
            {deadLetters.next === null ? "There are no others." : "None among the newest ones."}
          </p>
        )}
        {deadLetters !== null && deadLetters.next !== null && (
          <p>
            <a href={isAlone ? deadPathOf(webhook.uuid, deadLetters.next) : deadPathOf(webhook.uuid)}>
              {isAlone ? "Older ones" : `All of ${nameOf(webhook)}`}
            </a>
          </p>
        )}
      </div>
    </section>
  );
}

function ReplayAll({ webhook, total }: { webhook: WebhookWithDead; total: number }) {
  const text = (
    <>
      Send {total === 1 ? "it" : `all ${count(total)}`} again
      <span class="visually-hidden"> of {nameOf(webhook)}</span>
    </>
  );
  return total > confirmFrom ? (
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
  webhook: WebhookWithDead;
  deliveries: LoggedDelivery[];
  mayWrite: boolean;
}) {
  return (
    <Table
      columns={[mayWrite && "Tick", "Delivery", "Event", "Last tried", "Last failure", mayWrite && "Again"]}
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
  webhook: WebhookWithDead;
  delivery: LoggedDelivery;
  mayWrite: boolean;
}) {
  const value = deadLetterValue({ webhook: webhook.uuid, sequence: delivery.sequence });
  const name = `#${delivery.sequence} of ${nameOf(webhook)}`;
  return (
    <tr>
      {mayWrite && (
        <Cell label="Tick">
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
      <Cell label="Event">{delivery.eventType}</Cell>
      <Cell label="Last tried">
        <Time at={delivery.lastAttemptAt} otherwise="Never" />
      </Cell>
      <Cell label="Last failure">
        <LastError {...delivery} />
      </Cell>
      {mayWrite && (
        <Cell label="Again">
          <button class="button small" type="submit" name="one" value={value}>
            Send again<span class="visually-hidden"> {name}</span>
          </button>
        </Cell>
      )}
    </tr>
  );
}
