-- The table stays until its rows are taken over, two migrations later.
DROP INDEX `handovers_webhook`;--> statement-breakpoint
ALTER TABLE `handovers` RENAME TO `handovers_before`;
