-- The index was for one question only, which the two tables of numbers below answer now.
drop index events_numbered;

-- Where an operator called from.
alter table audit add column address text;

-- A refused request that comes again is one row with a count. Null in rows of earlier programs and once erased.
alter table rejections add column fingerprint text;
alter table rejections add column count bigint not null default 1;
alter table rejections add column last_at bigint;
create unique index rejections_fingerprint on rejections (fingerprint);

-- Deliveries whose events retention took away: they stay known, so that nothing that was captured is taken twice.
create table webhook_ids (
    seq bigint generated always as identity primary key,
    hash text not null unique,
    event_id text not null,
    body_hash text not null,
    forgotten_at bigint not null
);

-- What upkeep has counted so far: up to which event, and when the last webhook among them came.
create table marks (
    name text not null primary key,
    value bigint not null
);
create table kind_counts (
    kind text not null primary key,
    events bigint not null
);
-- minute: since the Unix epoch.
create table received_minutes (
    minute bigint not null primary key,
    events bigint not null
);

-- The senders' own numbers (data.sequence), contact by contact, and which of them are missing.
create table sequences (
    contact_id text not null primary key,
    lowest bigint not null,
    highest bigint not null
);
create table sequence_gaps (
    contact_id text not null,
    after_number bigint not null,
    before_number bigint not null,
    found_at bigint not null,
    primary key (contact_id, after_number)
);

insert into marks (name, value)
    select 'counted_seq', coalesce(max(seq), 0) from events
    union all select 'last_webhook_at', coalesce(max(received_at), 0) from events where actor = 'webhook';
insert into received_minutes (minute, events)
    select received_at / 60000, count(*) from events
    where received_at > (select max(received_at) from events) - 3600000 group by 1;
insert into kind_counts (kind, events) select kind, count(*) from events group by kind;
insert into sequences (contact_id, lowest, highest)
    select contact_id, min(sequence), max(sequence) from events
    where sequence is not null and contact_id is not null group by contact_id;
insert into sequence_gaps (contact_id, after_number, before_number, found_at)
    select contact_id, previous, sequence, received_at from
      (select contact_id, sequence, received_at,
         lag(sequence) over (partition by contact_id order by sequence) as previous
       from events where sequence is not null and contact_id is not null) as numbered
    where sequence > previous and sequence - 1 > previous;
