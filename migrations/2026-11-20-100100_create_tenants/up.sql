create table tenants (
    id uuid primary key,
    -- Operators name tenants; tenants never see each other's names.
    name text not null unique check (name <> ''),
    policy json not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
alter table tenants enable row level security;
alter table tenants force row level security;
-- nullif: once a transaction has set app.tenant, its connection yields '' afterwards, not NULL.
create policy own on tenants using (id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy relay on tenants to assay_relay using (true);
grant select on tenants to assay_service, assay_relay;
grant update (policy, updated_at) on tenants to assay_service, assay_relay;
grant insert on tenants to assay_relay;

create table api_keys (
    tenant_id uuid not null references tenants (id),
    id uuid not null,
    -- The eight characters that stand in clear in the key. Not unique: a unique key would tell of other tenants.
    prefix text not null check (length(prefix) = 8),
    -- Of the whole key as presented. 256 random bits need no slow hash.
    secret_sha256 bytea not null check (octet_length(secret_sha256) = 32),
    name text not null,
    scopes text[] not null,
    livemode boolean not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    primary key (tenant_id, id)
);
create index api_keys_by_prefix on api_keys (prefix);
alter table api_keys enable row level security;
alter table api_keys force row level security;
create policy own on api_keys using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy relay on api_keys to assay_relay using (true);
grant select, insert on api_keys to assay_service, assay_relay;
grant update (revoked_at) on api_keys to assay_service, assay_relay;
