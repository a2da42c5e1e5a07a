-- Deals by their own ids, for whoever looks for one; events that are older than this are looked for in their bodies.
create table deals (deal_id text not null, event_id text not null, primary key (deal_id, event_id));
create index deals_event on deals (event_id);
