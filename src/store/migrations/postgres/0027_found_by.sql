-- What people look for a linked contact by (names, the digits of its number, accounts), a line each, in lower case; goes with
-- the link. Contacts that were linked before have none until they are linked anew.
alter table contacts add column found_by text;
