-- The newest survey of an installation, by the ERP's address: facts, counts and shapes, nothing of a customer.
create table erp_surveys (
    erp text primary key not null,
    surveyed_at bigint not null,
    report text not null
);
