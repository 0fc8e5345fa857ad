-- Reading texts became a scope of its own: tokens from before keep what they could do. admin includes it.
UPDATE `tokens` SET `scopes` = json_insert(`scopes`, '$[#]', 'deliveries:read')
WHERE EXISTS (SELECT 1 FROM json_each(`scopes`) WHERE value IN ('webhooks:read', 'webhooks:write'))
  AND NOT EXISTS (SELECT 1 FROM json_each(`scopes`) WHERE value = 'deliveries:read');
