CREATE TABLE `archive_0` (
	`id` integer PRIMARY KEY NOT NULL,
	`last` integer NOT NULL,
	`accepted_at` integer NOT NULL,
	`events` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `archive_1` (
	`id` integer PRIMARY KEY NOT NULL,
	`last` integer NOT NULL,
	`accepted_at` integer NOT NULL,
	`events` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `archive_2` (
	`id` integer PRIMARY KEY NOT NULL,
	`last` integer NOT NULL,
	`accepted_at` integer NOT NULL,
	`events` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `archive_3` (
	`id` integer PRIMARY KEY NOT NULL,
	`last` integer NOT NULL,
	`accepted_at` integer NOT NULL,
	`events` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `archive_slot` (
	`id` integer PRIMARY KEY NOT NULL,
	`slot` integer NOT NULL,
	`base` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `archive_uuids_0` (
	`uuid` text PRIMARY KEY NOT NULL,
	`request` integer NOT NULL,
	`place` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `archive_uuids_1` (
	`uuid` text PRIMARY KEY NOT NULL,
	`request` integer NOT NULL,
	`place` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `archive_uuids_2` (
	`uuid` text PRIMARY KEY NOT NULL,
	`request` integer NOT NULL,
	`place` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `archive_uuids_3` (
	`uuid` text PRIMARY KEY NOT NULL,
	`request` integer NOT NULL,
	`place` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE `__new_handovers` (
	`id` integer PRIMARY KEY NOT NULL,
	`webhook_id` integer,
	`event_id` integer NOT NULL,
	`cursor` integer DEFAULT 0 NOT NULL,
	FOREIGN KEY (`webhook_id`) REFERENCES `webhooks`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
INSERT INTO `__new_handovers`("id", "webhook_id", "event_id", "cursor") SELECT "id", "webhook_id", "event_id", "cursor" FROM `handovers`;--> statement-breakpoint
DROP TABLE `handovers`;--> statement-breakpoint
ALTER TABLE `__new_handovers` RENAME TO `handovers`;--> statement-breakpoint
PRAGMA foreign_keys=ON;--> statement-breakpoint
CREATE INDEX `handovers_webhook` ON `handovers` (`webhook_id`,`id`);