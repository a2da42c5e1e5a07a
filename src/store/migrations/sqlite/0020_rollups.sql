-- What happened, counted by minute (kept for hours) and by hour (kept for months), so that no chart reads the events.
-- period: minutes or hours since the Unix epoch; measure: 'received', a state that was reached, 'rule:' and the rule that
-- kept somebody out, 'took:' and the number of the span from arrival to the ERP.
create table rollups (
    grain text not null,
    period bigint not null,
    measure text not null,
    events bigint not null,
    primary key (grain, period, measure)
);
