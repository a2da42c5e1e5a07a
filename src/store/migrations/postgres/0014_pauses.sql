-- What operators have paused: everything, a type of events, or a contact; accepting goes on. Turns whose head is paused are
-- parked under the pause's name (turns.parked_by), where no claim looks. until: when it ends by itself.
create table pauses (
    name text not null primary key,
    scope text not null,
    value text,
    reason text not null,
    actor text not null,
    since bigint not null,
    until bigint
);
