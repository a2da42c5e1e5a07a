-- What alerts look at every few seconds: how many events failed by which code, and how many messages wait since when.
create index events_failed on events (status, error_code, seq) where status in ('dead', 'needs_review');
create index outbox_waiting on outbox (target, created_at) where dead_at is null;
create index outbox_of_dead on outbox (target) where dead_at is not null;
