-- What was cut or left out of an event because it did not fit and only describes: a JSON list of pointers and messages.
alter table events add column warnings text;
