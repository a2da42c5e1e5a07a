-- Whether a turn is due whose runs were cut short is asked all the time, and there is hardly ever one.
create index turns_suspects on turns (due_at) where cut_short >= 2;
-- How many wait behind a block and since when, without reading their bodies.
drop index events_blocked;
create index events_blocked on events (blocked_by, seq, received_at) where blocked_by is not null;
