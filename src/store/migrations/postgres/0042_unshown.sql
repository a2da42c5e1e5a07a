-- Kinds of writes of which the ERP at an address was looked at for one and showed none: such a write is made once. The row goes when
-- one is seen.
create table unshown (
    erp text not null,
    effect text not null,
    noted_at bigint not null,
    primary key (erp, effect)
);
