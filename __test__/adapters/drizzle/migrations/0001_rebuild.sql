PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE `__new_cities` (
	`id` integer PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`country` text DEFAULT 'unknown' NOT NULL
);
--> statement-breakpoint
INSERT INTO `__new_cities`("id", "name") SELECT "id", "name" FROM `cities`;--> statement-breakpoint
DROP TABLE `cities`;--> statement-breakpoint
ALTER TABLE `__new_cities` RENAME TO `cities`;--> statement-breakpoint
PRAGMA foreign_keys=ON;
