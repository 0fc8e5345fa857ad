ALTER TABLE `webhooks` ADD `format` text DEFAULT 'auto' NOT NULL;--> statement-breakpoint
ALTER TABLE `webhooks` ADD `format_option_names` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `webhooks` ADD `digest_s` integer;