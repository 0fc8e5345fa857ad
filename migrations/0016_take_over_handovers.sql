-- The events that wait, from the archive. They keep their ids.
INSERT OR IGNORE INTO waiting_events (id, uuid, type, project_uuid, job_uuid, first_accepted_at, body)
SELECT h.event_id, (a.events->(h.event_id - a.id))->>0, (a.events->(h.event_id - a.id))->>1,
  (a.events->(h.event_id - a.id))->>2, (a.events->(h.event_id - a.id))->>3, a.accepted_at, (a.events->(h.event_id - a.id))->>5
FROM (SELECT DISTINCT event_id FROM handovers_before) h
CROSS JOIN archive_0 a ON a.id = (SELECT max(id) FROM archive_0 WHERE id <= h.event_id) AND a.last >= h.event_id
UNION ALL
SELECT h.event_id, (a.events->(h.event_id - a.id))->>0, (a.events->(h.event_id - a.id))->>1,
  (a.events->(h.event_id - a.id))->>2, (a.events->(h.event_id - a.id))->>3, a.accepted_at, (a.events->(h.event_id - a.id))->>5
FROM (SELECT DISTINCT event_id FROM handovers_before) h
CROSS JOIN archive_1 a ON a.id = (SELECT max(id) FROM archive_1 WHERE id <= h.event_id) AND a.last >= h.event_id
UNION ALL
SELECT h.event_id, (a.events->(h.event_id - a.id))->>0, (a.events->(h.event_id - a.id))->>1,
  (a.events->(h.event_id - a.id))->>2, (a.events->(h.event_id - a.id))->>3, a.accepted_at, (a.events->(h.event_id - a.id))->>5
FROM (SELECT DISTINCT event_id FROM handovers_before) h
CROSS JOIN archive_2 a ON a.id = (SELECT max(id) FROM archive_2 WHERE id <= h.event_id) AND a.last >= h.event_id
UNION ALL
SELECT h.event_id, (a.events->(h.event_id - a.id))->>0, (a.events->(h.event_id - a.id))->>1,
  (a.events->(h.event_id - a.id))->>2, (a.events->(h.event_id - a.id))->>3, a.accepted_at, (a.events->(h.event_id - a.id))->>5
FROM (SELECT DISTINCT event_id FROM handovers_before) h
CROSS JOIN archive_3 a ON a.id = (SELECT max(id) FROM archive_3 WHERE id <= h.event_id) AND a.last >= h.event_id;
--> statement-breakpoint
-- Rows without a webhook were bulk hand-overs: of an event to all webhooks above `cursor` that match it.
INSERT OR IGNORE INTO handovers (webhook_id, event_id, set_aside)
SELECT webhook_id, event_id, set_aside FROM (
  SELECT h.id, h.webhook_id, h.event_id,
    CASE WHEN h.event_id IN (SELECT id FROM waiting_events) THEN NULL ELSE 'Its event is not stored any more.' END AS set_aside
  FROM handovers_before h WHERE h.webhook_id IN (SELECT id FROM webhooks)
  UNION ALL
  SELECT h.id, w.id, h.event_id, NULL
  FROM handovers_before h JOIN waiting_events e ON e.id = h.event_id
  JOIN webhooks w ON w.id > h.cursor AND w.deleted_at IS NULL
  WHERE h.webhook_id IS NULL AND EXISTS (
    SELECT 1 FROM subscriptions s WHERE s.webhook_id = w.id AND s.created_at <= e.first_accepted_at
      AND (
        s.event_type = e.type OR s.event_type = '**'
        OR (s.event_type GLOB '*:[*][*]' AND e.type GLOB rtrim(s.event_type, '*') || '*')
        OR (s.event_type GLOB '*:[*]' AND e.type GLOB rtrim(s.event_type, '*') || '*'
          AND e.type NOT GLOB rtrim(s.event_type, '*') || '*:*')
      )
      AND (s.project_uuid = '' OR s.project_uuid = e.project_uuid)
      AND (s.job_uuid = '' OR s.job_uuid = e.job_uuid)
  )
) ORDER BY id, webhook_id;
--> statement-breakpoint
UPDATE webhooks SET waits = 1 WHERE id IN (SELECT webhook_id FROM handovers WHERE set_aside IS NULL);
--> statement-breakpoint
DROP TABLE handovers_before;
