-- A function of PostgreSQL; here a batch costs no round trips.
select 1;
