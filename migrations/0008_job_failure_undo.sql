CREATE TABLE `job_failure_changes` (
	`id` integer PRIMARY KEY NOT NULL,
	`switch_id` integer NOT NULL,
	`webhook_id` integer NOT NULL,
	`uuid` text NOT NULL,
	`event_type` text NOT NULL,
	`created_at` integer NOT NULL,
	`subscription_id` integer,
	FOREIGN KEY (`switch_id`) REFERENCES `job_failure_switches`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `job_failure_changes_switch` ON `job_failure_changes` (`switch_id`);--> statement-breakpoint
CREATE TABLE `job_failure_switches` (
	`id` integer PRIMARY KEY NOT NULL,
	`uuid` text NOT NULL,
	`at` integer NOT NULL,
	`is_on` integer NOT NULL,
	`webhooks` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `job_failure_switches_uuid_unique` ON `job_failure_switches` (`uuid`);