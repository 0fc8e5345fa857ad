CREATE TABLE `queue_failures` (
	`key` text PRIMARY KEY NOT NULL,
	`reason` text NOT NULL,
	`failed_at` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE `rejected` ADD `is_exact` integer DEFAULT true NOT NULL;