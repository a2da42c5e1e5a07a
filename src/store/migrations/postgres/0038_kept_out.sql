-- Whom admission kept out, newest first: refused deals are held, beside messages that wait for a customer.
drop index events_not_admitted;
create index events_kept_out on events (seq)
    where (status = 'not_admitted' or kind = 'deal.closed') and status in ('not_admitted', 'held');
