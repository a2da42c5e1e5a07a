-- What admission knows of a contact besides its link: the last score that came for it, in decimal, and when its first closed
-- deal was accepted. It outlives the events, and goes with the erasure of the contact.
create table admission_facts (
    contact_id text not null primary key,
    last_score text,
    first_deal_at bigint
);
-- Scores of earlier events stand in bodies that may be gone; the next one that comes is the last one known.
insert into admission_facts (contact_id, first_deal_at)
    select contact_id, min(received_at) from events
    where kind = 'deal.closed' and contact_id is not null group by contact_id;
