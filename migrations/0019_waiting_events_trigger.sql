DROP INDEX `handovers_webhook`;--> statement-breakpoint
CREATE INDEX `handovers_webhook` ON `handovers` (`webhook_id`,`id`) WHERE set_aside IS NULL;--> statement-breakpoint
-- Whatever deletes the last hand-over of an event: the event was accepted by every lane, or its webhooks are deleted.
CREATE TRIGGER `handover_deleted` AFTER DELETE ON `handovers`
WHEN NOT EXISTS (SELECT 1 FROM handovers WHERE event_id = old.event_id)
BEGIN
  DELETE FROM waiting_events WHERE id = old.event_id;
END;
--> statement-breakpoint
DELETE FROM waiting_events WHERE NOT EXISTS (SELECT 1 FROM handovers h WHERE h.event_id = waiting_events.id);
