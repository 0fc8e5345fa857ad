"""Creates a webhook, publishes an event, reads its delivery and deletes the webhook, with the generated client."""

import os
import time

from orchest_webhooks import AuthenticatedClient
from orchest_webhooks.api.deliveries import get_delivery, list_deliveries
from orchest_webhooks.api.events import publish_events
from orchest_webhooks.api.subscribers import create_webhook, delete_subscriber
from orchest_webhooks.models import (
    AcceptedEvents,
    CreatedWebhook,
    Deliveries,
    Event,
    FullDelivery,
    ListDeliveriesStatus,
    SubscriptionSpec,
    WebhookSpec,
)


def main() -> None:
    client = AuthenticatedClient(
        base_url=os.environ["GATEWAY_URL"],
        token=os.environ["GATEWAY_TOKEN"],
        raise_on_unexpected_status=True,
    )
    spec = WebhookSpec(
        url=os.environ["RECEIVER_URL"],
        name="Python client",
        verify_ssl=False,
        subscriptions=[SubscriptionSpec(event_type="project:created")],
    )
    webhook = create_webhook.sync(client=client, body=spec)
    assert isinstance(webhook, CreatedWebhook), webhook

    published = publish_events.sync(client=client, body=Event(type_="project:created"))
    assert isinstance(published, AcceptedEvents), published

    delivery = wait_for_delivery(client, webhook.uuid)
    print(f"{delivery.event_type} {delivery.event_uuid}: {delivery.status.value}")
    assert delivery.event_uuid == str(published.accepted[0].uuid)

    deleted = delete_subscriber.sync_detailed(webhook.uuid, client=client)
    assert deleted.status_code == 201, deleted


def wait_for_delivery(client: AuthenticatedClient, webhook: str) -> FullDelivery:
    """Returns the webhook's delivery once the receiver has taken it."""
    for _ in range(3000):
        listed = list_deliveries.sync(
            webhook, client=client, status=ListDeliveriesStatus.DELIVERED
        )
        assert isinstance(listed, Deliveries), listed
        if listed.deliveries:
            uuid = str(listed.deliveries[0].uuid)
            delivery = get_delivery.sync(webhook, uuid, client=client)
            assert isinstance(delivery, FullDelivery), delivery
            return delivery
        time.sleep(0.1)
    raise TimeoutError("No delivery has arrived within 5 minutes.")


main()
