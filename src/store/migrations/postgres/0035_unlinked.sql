-- When an operator undid a contact's link: its next event, whatever it is, looks it up anew.
alter table admission_facts add column unlinked_at bigint;
