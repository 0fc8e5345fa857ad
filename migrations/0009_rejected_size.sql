CREATE TABLE `rejected_size` (
	`id` integer PRIMARY KEY NOT NULL,
	`bytes` integer NOT NULL
);
--> statement-breakpoint
INSERT INTO `rejected_size` SELECT 1, coalesce(sum(octet_length(body) + 500), 0) FROM `rejected`;
--> statement-breakpoint
CREATE TRIGGER `rejected_added` AFTER INSERT ON `rejected` BEGIN
  UPDATE rejected_size SET bytes = bytes + octet_length(new.body) + 500;
END;
--> statement-breakpoint
CREATE TRIGGER `rejected_removed` AFTER DELETE ON `rejected` BEGIN
  UPDATE rejected_size SET bytes = bytes - octet_length(old.body) - 500;
END;
