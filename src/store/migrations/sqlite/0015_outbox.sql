-- What is still to be told to others: to the platform (write-back), and to people (alerts). A row is committed with the change
-- that it tells of, and vanishes once it was delivered. In a lane (a contact's, or that of the alerts) only the oldest is due.
-- due_at: when it may be sent; the lease's end while it is; null while an older one of its lane waits, and once it is dead.
create table outbox (
    seq integer primary key,
    id text not null unique,
    target text not null,
    lane text not null,
    kind text not null,
    data text not null,
    event_id text,
    contact_id text,
    created_at bigint not null,
    attempts bigint not null default 0,
    due_at bigint,
    token text,
    error text,
    dead_at bigint
);
create index outbox_due on outbox (target, due_at, seq) where due_at is not null;
create index outbox_lane on outbox (lane, seq) where dead_at is null;
create index outbox_dead on outbox (seq) where dead_at is not null;
create index outbox_of_contact on outbox (contact_id) where contact_id is not null;

-- Who watches over the alerts, until when, and what is told already; of several replicas one does.
create table watches (
    name text not null primary key,
    holder text not null,
    held_until bigint not null,
    state text not null
);
