-- What the ledger must know of a step to decide by it, told by whoever plans it (`NewStep`), instead of the step's name.
-- Steps that were planned before are known by the names that they had then.
alter table steps add column holds_identity bigint not null default 0;
alter table steps add column allocates bigint not null default 0;
alter table steps add column binds bigint not null default 0;
update steps set holds_identity = 1 where name in ('save_customer', 'add_contact_person');
update steps set allocates = 1 where name = 'allocate';
update steps set binds = 1 where name in ('save_customer', 'link');

-- Runs in a row of the turn's head that began and neither ended nor finished a step.
alter table turns add column cut_short bigint not null default 0;
