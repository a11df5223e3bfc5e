-- Every version of a tenant's policy since somebody first changed it. The one that counts stands in `tenants` too, where one row tells it;
-- a tenant without rows here has only ever had that one.
create table policies (
    tenant_id uuid not null references tenants (id),
    version bigint not null check (version > 0),
    document json not null,
    actor text not null check (actor <> ''),
    created_at timestamptz not null default now(),
    primary key (tenant_id, version)
);
alter table policies enable row level security;
alter table policies force row level security;
create policy own on policies using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert on policies to assay_service;
create trigger refuse_change before update or delete on policies for each row execute function refuse_change();
create trigger refuse_truncate before truncate on policies for each statement execute function refuse_change();
