-- The state in which an event was chosen for a replay: what a person decided about it since stands. Of replays that run, it is
-- the state of now.
alter table replay_events add column chosen_in text;
update replay_events set chosen_in = (select status from events where events.id = event_id) where state = 'waiting';
