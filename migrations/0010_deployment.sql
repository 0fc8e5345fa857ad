CREATE TABLE `deployment` (
	`name` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
);
--> statement-breakpoint
ALTER TABLE `webhooks` ADD `in_use` integer DEFAULT true NOT NULL;--> statement-breakpoint
-- Webhooks that are there already were made without a jurisdiction.
INSERT INTO `deployment` SELECT 'jurisdiction', '' WHERE EXISTS (SELECT 1 FROM `webhooks`);
