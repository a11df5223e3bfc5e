-- A person may overturn a verdict that was settled. Nothing is edited: what stood before is kept with what follows it.
create table corrections (
    tenant_id uuid not null,
    -- Chosen by who corrects, so that the same one sent twice is one.
    id uuid not null,
    verification_id uuid not null,
    -- From 1; the first stands on the result that the workflow settled.
    number integer not null check (number > 0),
    actor text not null check (actor <> ''),
    decision json not null,
    -- The result that stood before, and the one that follows.
    before json not null,
    outcome json not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, verification_id, number),
    foreign key (tenant_id, verification_id) references verifications (tenant_id, id)
);
alter table corrections enable row level security;
alter table corrections force row level security;
create policy own on corrections using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert on corrections to assay_service;
create trigger refuse_change before update or delete on corrections for each row execute function refuse_change();
create trigger refuse_truncate before truncate on corrections for each statement execute function refuse_change();

-- How many there are, so that reading a verification costs no look at them.
alter table verifications add column corrections integer not null default 0;
grant update (corrections) on verifications to assay_service;
