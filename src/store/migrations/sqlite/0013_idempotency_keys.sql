-- Idempotency keys of REST calls were kept as `key:…`, a form that a sender's webhook id can have too; now they have a blank
-- in them, which no webhook id has.
update events set webhook_id = 'key ' || substr(webhook_id, 5)
where webhook_id like 'key:%' and actor <> 'webhook'
  and not exists (select 1 from events as newer where newer.webhook_id = 'key ' || substr(events.webhook_id, 5));
