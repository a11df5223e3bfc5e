create table reviews (
    tenant_id uuid not null,
    id uuid not null,
    verification_id uuid not null,
    -- A verification can be reviewed again; each time is a round of its own.
    round integer not null default 1,
    status text not null check (status in ('pending', 'escalated', 'decided', 'expired', 'canceled')),
    blockers json not null,
    -- The promised time; escalated when it passes.
    due_at timestamptz not null,
    expires_at timestamptz not null,
    escalated_at timestamptz,
    lease_holder text,
    -- The token itself is known to its holder alone.
    lease_token_sha256 bytea,
    -- Counts leases: an older one is worth nothing even where its token is the same.
    lease_generation bigint not null default 0,
    lease_expires_at timestamptz,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    decided_at timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, verification_id, round),
    foreign key (tenant_id, verification_id) references verifications (tenant_id, id),
    check ((lease_holder is null) = (lease_expires_at is null) and (lease_holder is null) = (lease_token_sha256 is null))
);
create index reviews_open on reviews (tenant_id, due_at, id) where status in ('pending', 'escalated');
create index reviews_by_due on reviews (tenant_id, due_at, id);
alter table reviews enable row level security;
alter table reviews force row level security;
create policy own on reviews using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert on reviews to assay_service;
grant update (
    status, escalated_at, lease_holder, lease_token_sha256, lease_generation, lease_expires_at, version, decided_at
) on reviews to assay_service;

create table decisions (
    tenant_id uuid not null,
    id uuid not null,
    review_id uuid not null,
    verification_id uuid not null,
    holder text not null,
    lease_generation bigint not null,
    decision json not null,
    -- The result that follows from it.
    outcome json not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, review_id),
    foreign key (tenant_id, review_id) references reviews (tenant_id, id)
);
alter table decisions enable row level security;
alter table decisions force row level security;
create policy own on decisions using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert on decisions to assay_service;
create trigger refuse_change before update or delete on decisions for each row execute function refuse_change();
