-- What is wrong with the installation. The events that met it wait for it together, parked outside of the turns that are due,
-- and one of them tries now and then. name: code and subject.
create table blocks (
    name text not null primary key,
    code text not null,
    subject text not null,
    words text not null,
    since bigint not null,
    tries bigint not null,
    next_try_at bigint not null
);
-- By which block a turn's head is parked, and when it was last the one that tried.
alter table turns add column parked_by text;
alter table turns add column tried_at bigint not null default 0;
create index turns_parked on turns (parked_by, tried_at, head_seq) where parked_by is not null;
-- How often the event was the first to meet a block: others passed where it fails.
alter table events add column blocked_by text;
alter table events add column blocks_begun bigint not null default 0;
create index events_blocked on events (blocked_by, seq) where blocked_by is not null;
