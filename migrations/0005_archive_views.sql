INSERT INTO `archive_slot` SELECT 1, 0, coalesce(max(id), 0) FROM `events`;
--> statement-breakpoint
INSERT INTO `archive_0` (id, last, accepted_at, events)
SELECT id, id, accepted_at, json_array(json_array(uuid, type, project_uuid, job_uuid, timestamp, body)) FROM `events`;
--> statement-breakpoint
INSERT INTO `archive_uuids_0` (uuid, request, place) SELECT uuid, id, 0 FROM `events`;
--> statement-breakpoint
DROP TABLE `events`;
--> statement-breakpoint
CREATE VIEW `events` AS
SELECT a.id + e.key AS id, e.value->>0 AS uuid, e.value->>1 AS type, e.value->>2 AS project_uuid, e.value->>3 AS job_uuid,
  e.value->>4 AS timestamp, a.accepted_at, e.value->>5 AS body, a.id AS request
FROM archive_0 a CROSS JOIN json_each(a.events) e
UNION ALL
SELECT a.id + e.key AS id, e.value->>0 AS uuid, e.value->>1 AS type, e.value->>2 AS project_uuid, e.value->>3 AS job_uuid,
  e.value->>4 AS timestamp, a.accepted_at, e.value->>5 AS body, a.id AS request
FROM archive_1 a CROSS JOIN json_each(a.events) e
UNION ALL
SELECT a.id + e.key AS id, e.value->>0 AS uuid, e.value->>1 AS type, e.value->>2 AS project_uuid, e.value->>3 AS job_uuid,
  e.value->>4 AS timestamp, a.accepted_at, e.value->>5 AS body, a.id AS request
FROM archive_2 a CROSS JOIN json_each(a.events) e
UNION ALL
SELECT a.id + e.key AS id, e.value->>0 AS uuid, e.value->>1 AS type, e.value->>2 AS project_uuid, e.value->>3 AS job_uuid,
  e.value->>4 AS timestamp, a.accepted_at, e.value->>5 AS body, a.id AS request
FROM archive_3 a CROSS JOIN json_each(a.events) e;
--> statement-breakpoint
CREATE VIEW `archive_requests` AS
SELECT id, last, accepted_at, events FROM archive_0
UNION ALL
SELECT id, last, accepted_at, events FROM archive_1
UNION ALL
SELECT id, last, accepted_at, events FROM archive_2
UNION ALL
SELECT id, last, accepted_at, events FROM archive_3;
--> statement-breakpoint
CREATE TRIGGER `archive_request` INSTEAD OF INSERT ON `archive_requests` BEGIN
  INSERT INTO archive_0 (id, last, accepted_at, events)
  SELECT before + 1, before + json_array_length(new.events), new.accepted_at, new.events FROM (
    SELECT coalesce((SELECT last FROM archive_0 ORDER BY id DESC LIMIT 1), base) AS before FROM archive_slot WHERE slot = 0
  );
  INSERT INTO archive_uuids_0 (uuid, request, place)
  SELECT e.value->>0, (SELECT max(id) FROM archive_0), e.key
  FROM archive_slot CROSS JOIN json_each(new.events) e WHERE slot = 0;
  INSERT INTO archive_1 (id, last, accepted_at, events)
  SELECT before + 1, before + json_array_length(new.events), new.accepted_at, new.events FROM (
    SELECT coalesce((SELECT last FROM archive_1 ORDER BY id DESC LIMIT 1), base) AS before FROM archive_slot WHERE slot = 1
  );
  INSERT INTO archive_uuids_1 (uuid, request, place)
  SELECT e.value->>0, (SELECT max(id) FROM archive_1), e.key
  FROM archive_slot CROSS JOIN json_each(new.events) e WHERE slot = 1;
  INSERT INTO archive_2 (id, last, accepted_at, events)
  SELECT before + 1, before + json_array_length(new.events), new.accepted_at, new.events FROM (
    SELECT coalesce((SELECT last FROM archive_2 ORDER BY id DESC LIMIT 1), base) AS before FROM archive_slot WHERE slot = 2
  );
  INSERT INTO archive_uuids_2 (uuid, request, place)
  SELECT e.value->>0, (SELECT max(id) FROM archive_2), e.key
  FROM archive_slot CROSS JOIN json_each(new.events) e WHERE slot = 2;
  INSERT INTO archive_3 (id, last, accepted_at, events)
  SELECT before + 1, before + json_array_length(new.events), new.accepted_at, new.events FROM (
    SELECT coalesce((SELECT last FROM archive_3 ORDER BY id DESC LIMIT 1), base) AS before FROM archive_slot WHERE slot = 3
  );
  INSERT INTO archive_uuids_3 (uuid, request, place)
  SELECT e.value->>0, (SELECT max(id) FROM archive_3), e.key
  FROM archive_slot CROSS JOIN json_each(new.events) e WHERE slot = 3;
END;
