// Creates a webhook, publishes an event, reads its delivery and deletes the webhook, with the generated client.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	authorize := WithRequestEditorFn(func(_ context.Context, request *http.Request) error {
		request.Header.Set("Authorization", "Bearer "+os.Getenv("GATEWAY_TOKEN"))
		return nil
	})
	client, err := NewClientWithResponses(os.Getenv("GATEWAY_URL"), authorize)
	if err != nil {
		log.Fatal(err)
	}

	name := "Go client"
	created, err := client.CreateWebhookWithResponse(ctx, WebhookSpec{
		Url:           os.Getenv("RECEIVER_URL"),
		Name:          &name,
		VerifySsl:     false,
		Subscriptions: &[]SubscriptionSpec{{EventType: "project:created"}},
	})
	if err != nil || created.JSON201 == nil {
		log.Fatalf("No webhook was created: %v %s", err, created.Body)
	}
	webhook := created.JSON201.Uuid

	var events Events
	if err := events.FromEvent(Event{Type: "project:created"}); err != nil {
		log.Fatal(err)
	}
	published, err := client.PublishEventsWithResponse(ctx, nil, events)
	if err != nil || published.JSON202 == nil {
		log.Fatalf("The event was not accepted: %v %s", err, published.Body)
	}

	delivery := waitForDelivery(ctx, client, webhook)
	fmt.Printf("%s %s: %s\n", delivery.EventType, delivery.EventUuid, delivery.Status)
	if delivery.EventUuid != published.JSON202.Accepted[0].Uuid.String() {
		log.Fatal("The delivery is of another event.")
	}

	deleted, err := client.DeleteSubscriberWithResponse(ctx, webhook)
	if err != nil || deleted.JSON201 == nil {
		log.Fatalf("The webhook was not deleted: %v %s", err, deleted.Body)
	}
}

// waitForDelivery returns the webhook's delivery once the receiver has taken it.
func waitForDelivery(ctx context.Context, client *ClientWithResponses, webhook string) FullDelivery {
	status := ListDeliveriesParamsStatus("delivered")
	for {
		listed, err := client.ListDeliveriesWithResponse(ctx, webhook, &ListDeliveriesParams{Status: &status})
		if err != nil || listed.JSON200 == nil {
			log.Fatalf("The deliveries cannot be read: %v %s", err, listed.Body)
		}
		if len(listed.JSON200.Deliveries) > 0 {
			uuid := listed.JSON200.Deliveries[0].Uuid.String()
			read, err := client.GetDeliveryWithResponse(ctx, webhook, uuid)
			if err != nil || read.JSON200 == nil {
				log.Fatalf("The delivery cannot be read: %v %s", err, read.Body)
			}
			return *read.JSON200
		}
		time.Sleep(100 * time.Millisecond)
	}
}
