-- The timeline of a verification. The sequence is counted on its locked row.
create table events (
    tenant_id uuid not null,
    verification_id uuid not null,
    sequence bigint not null,
    at timestamptz not null,
    kind text not null,
    actor text not null,
    data json not null,
    -- A unique key must contain the partition column.
    primary key (tenant_id, verification_id, sequence, at)
) partition by range (at);
alter table events enable row level security;
alter table events force row level security;
create policy own on events using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select on events to assay_service;
create trigger refuse_change before update or delete on events for each row execute function refuse_change();
create trigger refuse_truncate before truncate on events for each statement execute function refuse_change();

-- The cost ledger.
create table usage_entries (
    tenant_id uuid not null,
    verification_id uuid not null,
    -- Tells one piece of work from its repetition.
    idempotency_key text not null,
    -- When the verification was accepted. The month that pays is thereby known in advance, which makes the key unique across partitions.
    accepted_at timestamptz not null,
    at timestamptz not null default now(),
    stage text not null,
    pages integer not null,
    cpu_seconds double precision not null,
    bytes bigint not null,
    primary key (tenant_id, verification_id, idempotency_key, accepted_at)
) partition by range (accepted_at);
alter table usage_entries enable row level security;
alter table usage_entries force row level security;
create policy own on usage_entries using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert on usage_entries to assay_service;
create trigger refuse_change before update or delete on usage_entries for each row execute function refuse_change();
create trigger refuse_truncate before truncate on usage_entries for each statement execute function refuse_change();

insert into partitioned_tables values ('events', true), ('usage_entries', true);
select ensure_partitions(3);
