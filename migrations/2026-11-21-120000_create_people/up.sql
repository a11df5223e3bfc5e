-- People who sign in to the desk. A person may belong to several tenants, so this is no tenant's table: only the relay role reaches it.
create table users (
    id uuid primary key,
    -- As typed, in small letters.
    email text not null unique check (email = lower(email) and email <> ''),
    -- argon2id in PHC form; none for who signs in through an organisation.
    password_hash text,
    failed_sign_ins integer not null default 0,
    -- Nobody signs in as this person before.
    locked_until timestamptz,
    disabled_at timestamptz,
    created_at timestamptz not null default now()
);
alter table users enable row level security;
alter table users force row level security;
create policy relay on users to assay_relay using (true);
grant select, insert on users to assay_relay;
grant update (password_hash, failed_sign_ins, locked_until, disabled_at) on users to assay_relay;

-- What a person may do for a tenant, and under which name the tenant's other people see them.
create table memberships (
    tenant_id uuid not null references tenants (id),
    user_id uuid not null references users (id),
    name text not null check (name <> ''),
    roles text[] not null check (roles <@ array['reviewer', 'lead', 'operator', 'auditor']),
    created_at timestamptz not null default now(),
    primary key (tenant_id, user_id)
);
create index memberships_by_user on memberships (user_id);
alter table memberships enable row level security;
alter table memberships force row level security;
create policy own on memberships using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy relay on memberships to assay_relay using (true);
grant select on memberships to assay_service;
grant select, insert, delete on memberships to assay_relay;
grant update (name, roles) on memberships to assay_relay;

create table sessions (
    -- The cookie itself is known to its browser alone.
    token_sha256 bytea primary key check (octet_length(token_sha256) = 32),
    user_id uuid not null references users (id),
    -- For which tenant the person works at the moment.
    tenant_id uuid not null references tenants (id),
    -- Stands in every form of the session.
    csrf text not null,
    created_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    ends_at timestamptz not null
);
create index sessions_by_user on sessions (user_id);
create index sessions_by_end on sessions (ends_at);
alter table sessions enable row level security;
alter table sessions force row level security;
create policy relay on sessions to assay_relay using (true);
grant select, insert, delete on sessions to assay_relay;
grant update (tenant_id, seen_at) on sessions to assay_relay;

-- What a reviewer typed and has not submitted. Outlives the lease and the browser.
create table drafts (
    tenant_id uuid not null,
    review_id uuid not null,
    holder text not null,
    content json not null,
    updated_at timestamptz not null default now(),
    primary key (tenant_id, review_id, holder),
    foreign key (tenant_id, review_id) references reviews (tenant_id, id)
);
alter table drafts enable row level security;
alter table drafts force row level security;
create policy own on drafts using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, delete on drafts to assay_service;
grant update (content, updated_at) on drafts to assay_service;

-- What people say to each other about a verification, or one field of it.
create table comments (
    tenant_id uuid not null,
    id uuid not null,
    verification_id uuid not null,
    field text,
    author text not null,
    body text not null check (body <> ''),
    created_at timestamptz not null default now(),
    resolved_at timestamptz,
    resolved_by text,
    primary key (tenant_id, id),
    foreign key (tenant_id, verification_id) references verifications (tenant_id, id)
);
create index comments_by_verification on comments (tenant_id, verification_id, id);
alter table comments enable row level security;
alter table comments force row level security;
create policy own on comments using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert on comments to assay_service;
grant update (resolved_at, resolved_by) on comments to assay_service;
