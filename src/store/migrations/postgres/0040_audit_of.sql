-- What was done about one event or contact: the page of an event tells by it when it waited for a person.
create index audit_of on audit (subject, seq);
