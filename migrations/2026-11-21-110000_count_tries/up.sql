-- How an activity's attempts at one piece of work went, where they went wrong. Most activities never get a row.
create table stage_tries (
    tenant_id uuid not null references tenants (id),
    run_id text not null,
    activity_id text not null,
    -- Attempts that began and were never heard of again: they may have ended their worker.
    lost integer not null default 0,
    -- Attempts that came back because the engine failed.
    failed integer not null default 0,
    changed_at timestamptz not null default now(),
    primary key (tenant_id, run_id, activity_id)
);
alter table stage_tries enable row level security;
alter table stage_tries force row level security;
create policy own on stage_tries using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, delete, update (lost, failed, changed_at) on stage_tries to assay_service;
