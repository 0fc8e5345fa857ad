ALTER TABLE `audit_entries` ADD `count` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE `audit_entries` ADD `refusal_key` text;--> statement-breakpoint
CREATE UNIQUE INDEX `audit_entries_refusals` ON `audit_entries` (`refusal_key`) WHERE refusal_key IS NOT NULL;