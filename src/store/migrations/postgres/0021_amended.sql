-- The body of an event as a person corrected it, beside the one that came; it is what is done from then on.
alter table events add column amended text;
