-- What is tried again after a failure, and what waits for the ERP's settings: newest first, however many wait for their first try.
create index events_retrying on events (seq) where status = 'queued' and attempts > 0;
create index events_on_hold on events (seq) where blocked_by is not null;
