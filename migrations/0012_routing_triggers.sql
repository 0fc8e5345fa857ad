INSERT INTO `routing` (id, version) SELECT 1, 1 + coalesce(max(id), 0) FROM `webhooks`;
--> statement-breakpoint
UPDATE `webhooks` SET routing_version = id;
--> statement-breakpoint
UPDATE `subscriptions` SET routing_version = webhook_id;
--> statement-breakpoint
CREATE TRIGGER `routing_webhook_inserted` AFTER INSERT ON `webhooks` BEGIN
  UPDATE routing SET version = version + 1;
  UPDATE webhooks SET routing_version = (SELECT version FROM routing) WHERE id = new.id;
END;
--> statement-breakpoint
CREATE TRIGGER `routing_webhook_updated` AFTER UPDATE OF uuid, version, deleted_at, waits ON `webhooks`
WHEN old.uuid IS NOT new.uuid OR old.version IS NOT new.version OR old.deleted_at IS NOT new.deleted_at
  OR old.waits IS NOT new.waits
BEGIN
  UPDATE routing SET version = version + 1;
  UPDATE webhooks SET routing_version = (SELECT version FROM routing) WHERE id = new.id;
END;
--> statement-breakpoint
CREATE TRIGGER `routing_webhook_deleted` AFTER DELETE ON `webhooks` BEGIN
  UPDATE routing SET version = version + 1;
  INSERT INTO routing_removed (webhook_id, version) SELECT old.id, version FROM routing;
END;
--> statement-breakpoint
CREATE TRIGGER `routing_subscription_inserted` AFTER INSERT ON `subscriptions` BEGIN
  UPDATE routing SET version = version + 1;
  UPDATE subscriptions SET routing_version = (SELECT version FROM routing) WHERE id = new.id;
  UPDATE webhooks SET routing_version = (SELECT version FROM routing) WHERE id = new.webhook_id;
END;
--> statement-breakpoint
CREATE TRIGGER `routing_subscription_updated`
AFTER UPDATE OF webhook_id, event_type, project_uuid, job_uuid ON `subscriptions` BEGIN
  UPDATE routing SET version = version + 1;
  UPDATE webhooks SET routing_version = (SELECT version FROM routing) WHERE id = old.webhook_id;
  UPDATE routing SET version = version + 1;
  UPDATE subscriptions SET routing_version = (SELECT version FROM routing) WHERE id = new.id;
  UPDATE webhooks SET routing_version = (SELECT version FROM routing) WHERE id = new.webhook_id;
END;
--> statement-breakpoint
CREATE TRIGGER `routing_subscription_deleted` AFTER DELETE ON `subscriptions`
WHEN EXISTS (SELECT 1 FROM webhooks WHERE id = old.webhook_id)
BEGIN
  UPDATE routing SET version = version + 1;
  UPDATE webhooks SET routing_version = (SELECT version FROM routing) WHERE id = old.webhook_id;
END;
