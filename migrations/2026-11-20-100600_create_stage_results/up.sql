-- What a stage made of some content. The first writer wins; the bytes lie in the object store.
create table stage_results (
    tenant_id uuid not null references tenants (id),
    content_hash bytea not null check (octet_length(content_hash) = 32),
    stage text not null,
    version text not null,
    object_key text not null,
    summary json not null,
    -- Which attempt of which activity wrote it, so that an older attempt that ends late is told so.
    run_id text not null,
    activity_id text not null,
    attempt integer not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, content_hash, stage, version)
);
alter table stage_results enable row level security;
alter table stage_results force row level security;
create policy own on stage_results using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert on stage_results to assay_service;
