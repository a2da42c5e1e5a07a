-- What people look for a contact by that is linked to no customer, as its bodies say it: a line each, in lower case. Upkeep notes
-- it, from the first event on, and it goes with the last body. Up to which event it is noted stands in marks.
create table strangers (
    contact_id text not null primary key,
    found_by text not null
);
insert into marks (name, value) values ('strangers_seq', 0);
