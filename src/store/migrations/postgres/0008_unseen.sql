-- How often the ERP said that a step is done and did not show it: said twice, a person decides.
alter table steps add column unseen bigint not null default 0;
