-- The ledger. Times are milliseconds since the Unix epoch; JSON is text. The SQLite folder has a file of this name
-- with the same tables, and a test compares the two.

-- Every accepted event. The row is the queue entry: accepting and enqueueing are one insert.
create table events (
    seq bigint generated always as identity primary key,
    id text not null unique,
    webhook_id text unique,
    body_hash text not null,
    kind text not null,
    contact_id text,
    status text not null,
    received_at bigint not null,
    occurred_at bigint,
    payload text,
    admission text,
    actor text not null,
    force bigint not null,
    sequence bigint,
    trace_parent text,
    attempts bigint not null,
    next_attempt_at bigint,
    error text,
    error_code text,
    review text,
    resolution text,
    updated_at bigint not null,
    finished_at bigint
);
create index events_of_contact on events (contact_id, seq);
create index events_in_turn on events (contact_id, seq) where status in ('queued', 'running', 'needs_review');
create index events_held on events (next_attempt_at) where status = 'held';
create index events_unfortunate on events (status, seq) where status in ('dead', 'needs_review', 'held');
create index events_finished on events (finished_at) where finished_at is not null;
create index events_with_payload on events (finished_at) where finished_at is not null and payload is not null;
create index events_numbered on events (contact_id, sequence) where sequence is not null;

-- One row per contact with an event in its turn. Claiming reads this table only, so it costs the same at any backlog.
-- due_at: when the head may be claimed; the lease's end while it runs; null while a person must decide.
create table turns (
    contact_id text not null primary key,
    head_seq bigint not null,
    due_at bigint,
    token text
);
create index turns_due on turns (due_at, head_seq) where due_at is not null;

-- The journal: the steps of an event's plan.
create table steps (
    event_id text not null,
    position bigint not null,
    name text not null,
    step text not null,
    state text not null,
    result text,
    fingerprint text,
    started_at bigint,
    finished_at bigint,
    primary key (event_id, position)
);
create index steps_fingerprint on steps (fingerprint) where fingerprint is not null;

-- Every call to the ERP on behalf of an event.
create table calls (
    event_id text not null,
    number bigint not null,
    step text not null,
    interface text not null,
    started_at bigint not null,
    duration_ms bigint not null,
    outcome text not null,
    request text not null,
    response text not null,
    primary key (event_id, number)
);

-- Which customer of the ERP a contact is.
create table contacts (
    contact_id text not null primary key,
    ord bigint not null,
    khid text not null,
    kind text not null,
    linked_by text not null,
    linked_at bigint not null
);
create index contacts_of_customer on contacts (ord);

-- The ERP session that all workers and replicas share, and how often the login was refused.
create table erp_sessions (
    account text not null primary key,
    token text,
    obtained_at bigint not null,
    refusals bigint not null,
    refusal text,
    -- Until when one process has the login to itself; 0 while nobody logs in.
    login_until bigint not null default 0
);

-- Identities (hashes of mobile numbers and company names) for which a worker is creating a customer right now, so that
-- two contacts with the same one do not become two customers at the same time. Valid while the holder's lease is.
create table reservations (
    identity text not null primary key,
    contact_id text not null,
    token text not null
);
create index reservations_of_contact on reservations (contact_id);

-- Whose turn it is in each assignment rule.
create table rotations (
    name text not null primary key,
    next bigint not null
);

create table rejections (
    seq bigint generated always as identity primary key,
    received_at bigint not null,
    webhook_id text not null,
    kind text,
    contact_id text,
    errors text not null,
    payload text
);

create table audit (
    seq bigint generated always as identity primary key,
    at bigint not null,
    actor text not null,
    action text not null,
    subject text not null,
    reason text
);
