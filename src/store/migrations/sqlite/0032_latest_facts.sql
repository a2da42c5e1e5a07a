-- What replicas tell each other beside the events: when a key was last used, how the circuit to the ERP stands. The newest counts.
create table latest_facts (
  name text not null primary key,
  at bigint not null,
  word text not null
);
