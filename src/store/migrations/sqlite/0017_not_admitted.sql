-- Whom admission kept out, newest first, however many others came.
create index events_not_admitted on events (seq) where status = 'not_admitted';
