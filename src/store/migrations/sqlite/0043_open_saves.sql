-- Saves that were sent and of which nobody knows yet, or ever, what they did: few among all steps.
create index steps_open_saves on steps (event_id) where state = 'started' and holds_identity = 1;
