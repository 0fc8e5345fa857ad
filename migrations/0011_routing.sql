CREATE TABLE `routing` (
	`id` integer PRIMARY KEY NOT NULL,
	`version` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `routing_changes` (
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`is_committed` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `routing_changes_at` ON `routing_changes` (`at`);--> statement-breakpoint
CREATE TABLE `routing_removed` (
	`webhook_id` integer NOT NULL,
	`version` integer PRIMARY KEY NOT NULL
);
--> statement-breakpoint
ALTER TABLE `subscriptions` ADD `routing_version` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `webhooks` ADD `routing_version` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `webhooks` ADD `waits` integer DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX `webhooks_routing` ON `webhooks` (`routing_version`);