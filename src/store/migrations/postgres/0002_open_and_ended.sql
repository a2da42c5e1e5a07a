-- An accepted event costs as many random index pages as there are indexes by contact: one of the open events in place of
-- two of all. What an event ends with goes into the other index when it ends, which the ERP's pace limits.
drop index events_of_contact;
drop index events_in_turn;
drop index events_finished;
create index events_open on events (contact_id, seq) where finished_at is null;
create index events_ended on events (contact_id, seq) where finished_at is not null;
create index events_finished on events (finished_at, status) where finished_at is not null;
