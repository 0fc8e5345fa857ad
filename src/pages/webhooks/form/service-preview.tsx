/** A message in the style of its service, drawn from the result of `previewOf`. */
import type { ServiceFormat } from "../../../send/message/formats";
import type { Preview } from "../../../send/message/preview";

/** The sender's name, for services that display one. */
const sender = "Orchest webhooks";

/** Services that display messages in a conversation, with a sender. The others display a single card. */
const conversations: ReadonlySet<ServiceFormat> = new Set([
  "slack",
  "discord",
  "teams",
  "google_chat",
  "mattermost",
  "telegram",
]);

/** Shows a preview in the style of its service. */
export function ServicePreview({ preview }: { preview: Preview }) {
  const { format, service, notification, effect, notShown } = preview;
  return (
    <div class={`service-preview ${format.replace("_", "-")}`}>
      <figure class="in-service">
        <figcaption>In {service}</figcaption>
        <div class="screen">
          {conversations.has(format) ? (
            <div class="post">
              <Avatar />
              <div class="post-body">
                <p class="sender">
                  <b>{sender}</b> <span class="app">App</span> <span class="at">now</span>
                </p>
                <Message preview={preview} />
              </div>
            </div>
          ) : (
            <Message preview={preview} />
          )}
        </div>
      </figure>
      {notification !== "" && <Notification service={service} text={notification} />}
      {effect !== null && <p class="effect">{effect}</p>}
      {notShown.length > 0 && (
        <p class="effect hint">
          Sent as well, not shown by {service}: {notShown.join(", ")}.
        </p>
      )}
    </div>
  );
}

/** The notification on a locked phone. */
function Notification({ service, text }: { service: string; text: string }) {
  return (
    <figure class="on-phone">
      <figcaption>On a locked phone</figcaption>
      <div class="phone">
        <div class="push">
          <p class="push-head">
            <span>{service}</span> <span>now</span>
          </p>
          <p class="push-text">{text}</p>
        </div>
      </div>
    </figure>
  );
}

/**
 * The title and the parts below it, in the order of most services. The stylesheet moves parts for the other services.
 */
function Message({ preview }: { preview: Preview }) {
  const { title, text, color, icon, fields, link, footer } = preview;
  return (
    <div class="message">
      <p class="title">
        {icon !== null && <span class="icon">{icon} </span>}
        {title}
      </p>
      <div class="attached">
        {color !== null && <Bar color={color} />}
        {text !== "" && <p class="text">{text}</p>}
        {fields.length > 0 && (
          <dl class="fields">
            {fields.map(({ label, value }) => (
              <div>
                <dt>{label}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        )}
        {/* It is not a link, because the run of the sample does not exist. */}
        {link !== null && (
          <p class="link">
            <span title={link.url}>{link.label}</span>
          </p>
        )}
        {footer !== "" && <p class="footer">{withoutSeconds(footer)}</p>}
      </div>
    </div>
  );
}

/** Shortens times in ISO 8601 to minutes. Services display them in their reader's zone, which is not known here. */
function withoutSeconds(footer: string): string {
  return footer.replaceAll(/(\d{4}-\d\d-\d\d)T(\d\d:\d\d)[\d:.]*Z/g, "$1 $2");
}

/** A bar in any colour. It is an SVG attribute, because the content security policy allows no inline styles. */
function Bar({ color }: { color: string }) {
  return (
    <svg class="bar-of-message" aria-hidden="true" preserveAspectRatio="none" viewBox="0 0 1 1">
      <rect width="1" height="1" fill={color} />
    </svg>
  );
}

function Avatar() {
  return <img class="avatar" src="/icon.svg" alt="" width="36" height="36" />;
}
