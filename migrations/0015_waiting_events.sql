CREATE TABLE `handovers` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`webhook_id` integer NOT NULL,
	`event_id` integer NOT NULL,
	`set_aside` text,
	FOREIGN KEY (`webhook_id`) REFERENCES `webhooks`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `handovers_webhook_event` ON `handovers` (`webhook_id`,`event_id`);--> statement-breakpoint
CREATE INDEX `handovers_webhook` ON `handovers` (`webhook_id`,`id`);--> statement-breakpoint
CREATE INDEX `handovers_event` ON `handovers` (`event_id`);--> statement-breakpoint
CREATE INDEX `handovers_set_aside` ON `handovers` (`id`) WHERE set_aside IS NOT NULL;--> statement-breakpoint
CREATE TABLE `known_names` (
	`project_uuid` text NOT NULL,
	`job_uuid` text NOT NULL,
	`name` text,
	`changed_at` integer NOT NULL,
	PRIMARY KEY(`project_uuid`, `job_uuid`)
);
--> statement-breakpoint
CREATE INDEX `known_names_changed` ON `known_names` (`changed_at`);--> statement-breakpoint
CREATE TABLE `waiting_events` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`uuid` text NOT NULL,
	`type` text NOT NULL,
	`project_uuid` text,
	`job_uuid` text,
	`first_accepted_at` integer NOT NULL,
	`body` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `waiting_events_uuid_unique` ON `waiting_events` (`uuid`);--> statement-breakpoint
ALTER TABLE `routing` ADD `shards` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `webhooks_waits` ON `webhooks` (`id`) WHERE waits = 1;