-- Replays of many events as things of their own. Which events is fixed when one is made; an event goes back into its turn
-- in the transaction that says so here, so that a crash in the middle goes on without doing one twice.
create table replays (
    seq integer primary key,
    id text not null unique,
    created_at bigint not null,
    actor text not null,
    reason text,
    -- What was asked for, as JSON.
    filter text not null,
    -- Whether more matched than one replay takes.
    more bigint not null,
    -- 'draft', 'running', 'paused', 'stopped', 'done'
    state text not null,
    events bigint not null,
    put_back bigint not null default 0,
    passed_over bigint not null default 0,
    started_at bigint,
    ended_at bigint
);
create index replays_open on replays (seq) where state in ('draft', 'running', 'paused');

create table replay_events (
    replay_id text not null,
    position bigint not null,
    event_id text not null,
    -- What it is expected to write: 'create', 'fill', 'record', 'order', 'skip'.
    forecast text not null,
    -- 'waiting', 'put_back', 'passed_over'
    state text not null,
    at bigint,
    primary key (replay_id, position)
);
create index replay_events_waiting on replay_events (replay_id, position) where state = 'waiting';
