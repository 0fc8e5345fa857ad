/** The dead letters of one webhook: a page of them, each of which can be ticked or sent again. */
import type { WebhookWithDead } from "../../webhooks/dead-letters";
import type { LogPage, LoggedDelivery } from "../../lane/delivery-log";
import { deliveryUuid } from "../../send/delivery-uuid";
import { count } from "../parts/figures";
import { Cell, Table } from "../parts/table";
import { Time } from "../parts/time";
import { LastError } from "../webhooks/log-table";
import { deliveryPath, hostOf, nameOf, pathOf } from "../webhooks/names";
import { confirmPath, deadPathOf, letterValue } from "./paths";

/** From here on sending all of a webhook's letters again is asked for twice. */
export const manyLetters = 25;

/** What a lane says of its dead letters. */
type Letters = LogPage & { count: number };

/** @param props.letters null where the lane did not answer. */
export type DeadOfWebhook = { webhook: WebhookWithDead; letters: Letters | null };

/**
 * One webhook's section, inside of the form that sends letters again.
 * @param props.mayWrite whether they can be sent again. @param props.isAlone it is the only one, with pages of its own.
 */
export function DeadLetters({
  webhook,
  letters,
  mayWrite,
  isAlone,
}: DeadOfWebhook & { mayWrite: boolean; isAlone: boolean }) {
  const titleId = `webhook-${webhook.uuid}`;
  return (
    <section class="card" aria-labelledby={titleId}>
      <div class="row spread">
        <div>
          <h2 id={titleId} class="flush">
            <a href={pathOf(webhook)}>{nameOf(webhook)}</a>
          </h2>
          <p class="muted small flush">
            {hostOf(webhook)}
            {letters !== null && ` · ${count(letters.count)} ${letters.count === 1 ? "letter" : "letters"}`}
          </p>
        </div>
        {mayWrite && letters !== null && <SendAll webhook={webhook} total={letters.count} />}
      </div>
      <div class="stack">
        {webhook.state !== "active" && (
          <p class="notice warn">
            This webhook is {webhook.state}: what you send again waits until it is resumed.
          </p>
        )}
        {letters === null && (
          <p class="notice bad">Its dead letters cannot be read right now. Nothing is lost: try again.</p>
        )}
        {letters !== null && letters.deliveries.length > 0 && (
          <LetterTable webhook={webhook} deliveries={letters.deliveries} mayWrite={mayWrite} />
        )}
        {letters?.deliveries.length === 0 && (
          <p class="muted">
            {letters.next === null ? "There are no others." : "None among the newest ones."}
          </p>
        )}
        {letters !== null && letters.next !== null && (
          <p>
            <a href={isAlone ? deadPathOf(webhook.uuid, letters.next) : deadPathOf(webhook.uuid)}>
              {isAlone ? "Older ones" : `All of ${nameOf(webhook)}`}
            </a>
          </p>
        )}
      </div>
    </section>
  );
}

function SendAll({ webhook, total }: { webhook: WebhookWithDead; total: number }) {
  const text = (
    <>
      Send {total === 1 ? "it" : `all ${count(total)}`} again
      <span class="visually-hidden"> of {nameOf(webhook)}</span>
    </>
  );
  return total > manyLetters ? (
    <a class="button small" href={confirmPath({ webhook: webhook.uuid })}>
      {text}
    </a>
  ) : (
    <button class="button small" type="submit" name="webhook" value={webhook.uuid}>
      {text}
    </button>
  );
}

function LetterTable({
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
        <Letter webhook={webhook} delivery={delivery} mayWrite={mayWrite} />
      ))}
    </Table>
  );
}

function Letter({
  webhook,
  delivery,
  mayWrite,
}: {
  webhook: WebhookWithDead;
  delivery: LoggedDelivery;
  mayWrite: boolean;
}) {
  const value = letterValue({ webhook: webhook.uuid, sequence: delivery.sequence });
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
