-- The event that was the first to meet a block: where another passes it, the event may fail for its own reasons.
alter table blocks add column begun_by text;
