CREATE TABLE `archive_size` (
	`id` integer PRIMARY KEY NOT NULL,
	`counted_to` integer NOT NULL,
	`bytes` integer NOT NULL,
	`whole_from` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE `event_types` (
	`id` integer PRIMARY KEY NOT NULL,
	`name` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `event_types_name_unique` ON `event_types` (`name`);--> statement-breakpoint
CREATE TABLE `events` (
	`id` integer PRIMARY KEY NOT NULL,
	`uuid` text NOT NULL,
	`type` text NOT NULL,
	`project_uuid` text,
	`job_uuid` text,
	`timestamp` text NOT NULL,
	`accepted_at` integer NOT NULL,
	`body` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `events_uuid_unique` ON `events` (`uuid`);--> statement-breakpoint
CREATE TABLE `handovers` (
	`id` integer PRIMARY KEY NOT NULL,
	`webhook_id` integer,
	`event_id` integer NOT NULL,
	`cursor` integer DEFAULT 0 NOT NULL,
	FOREIGN KEY (`webhook_id`) REFERENCES `webhooks`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`event_id`) REFERENCES `events`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `handovers_webhook` ON `handovers` (`webhook_id`,`id`);--> statement-breakpoint
CREATE TABLE `rejected` (
	`id` integer PRIMARY KEY NOT NULL,
	`message_id` text NOT NULL,
	`reason` text NOT NULL,
	`body` text NOT NULL,
	`received_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `subscriptions` (
	`id` integer PRIMARY KEY NOT NULL,
	`uuid` text NOT NULL,
	`webhook_id` integer NOT NULL,
	`event_type` text NOT NULL,
	`project_uuid` text DEFAULT '' NOT NULL,
	`job_uuid` text DEFAULT '' NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`webhook_id`) REFERENCES `webhooks`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `subscriptions_match` ON `subscriptions` (`event_type`,`project_uuid`,`job_uuid`,`webhook_id`);--> statement-breakpoint
CREATE INDEX `subscriptions_webhook` ON `subscriptions` (`webhook_id`);--> statement-breakpoint
CREATE TABLE `webhooks` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`uuid` text NOT NULL,
	`name` text NOT NULL,
	`origin` text NOT NULL,
	`sealed` text NOT NULL,
	`verify_ssl` integer NOT NULL,
	`content_type` text NOT NULL,
	`ordering` text DEFAULT 'strict' NOT NULL,
	`retry_max_attempts` integer,
	`retry_max_age_s` integer,
	`timeout_s` integer,
	`rate_limit_per_s` real,
	`header_names` text DEFAULT '[]' NOT NULL,
	`previous_secret_until` integer,
	`state` text DEFAULT 'active' NOT NULL,
	`disabled_reason` text,
	`dead_letters` integer DEFAULT 0 NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`deleted_at` integer,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `webhooks_uuid_unique` ON `webhooks` (`uuid`);--> statement-breakpoint
CREATE INDEX `webhooks_previous_secret` ON `webhooks` (`previous_secret_until`) WHERE previous_secret_until IS NOT NULL;