-- Addresses at which a tenant wants to be told what happens.
create table webhook_endpoints (
    tenant_id uuid not null references tenants (id),
    id uuid not null,
    url text not null check (url <> ''),
    description text not null default '',
    -- Kinds of events; none for all.
    events text[] not null default '{}',
    -- A list of {secret, expires_at}, newest first. Only the newest has no end.
    secrets json not null,
    enabled boolean not null default true,
    disabled_at timestamptz,
    -- A stable word: by_hand, gone, failing.
    disabled_reason text,
    -- Since when every attempt has failed.
    failing_since timestamptz,
    -- It asked to be left alone until then.
    held_until timestamptz,
    full_data boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    -- Kept for the log of its deliveries, without its secrets.
    deleted_at timestamptz,
    version bigint not null default 1,
    primary key (tenant_id, id),
    check (enabled = (disabled_at is null))
);
alter table webhook_endpoints enable row level security;
alter table webhook_endpoints force row level security;
create policy own on webhook_endpoints using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert on webhook_endpoints to assay_service;
grant update (url, description, events, secrets, enabled, disabled_at, disabled_reason, failing_since, held_until, full_data, updated_at, deleted_at,
    version) on webhook_endpoints to assay_service;

-- What happened, in the very bytes that are signed and sent.
create table webhook_events (
    tenant_id uuid not null references tenants (id),
    id uuid not null,
    type text not null,
    -- None for what concerns the whole tenant.
    verification_id uuid,
    sequence bigint,
    body bytea not null check (octet_length(body) <= 20000),
    created_at timestamptz not null default now(),
    primary key (tenant_id, id)
);
alter table webhook_events enable row level security;
alter table webhook_events force row level security;
create policy own on webhook_events using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert on webhook_events to assay_service;

-- One event on its way to one endpoint.
create table webhook_deliveries (
    tenant_id uuid not null,
    id uuid not null,
    endpoint_id uuid not null,
    event_id uuid not null,
    status text not null default 'waiting' check (status in ('waiting', 'delivered', 'dead', 'canceled')),
    attempts integer not null default 0,
    -- Attempts of the rounds before it was put back by hand: the schedule begins anew with each round.
    attempts_before integer not null default 0,
    next_at timestamptz default now(),
    last_status integer,
    last_error text,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, endpoint_id, event_id),
    foreign key (tenant_id, endpoint_id) references webhook_endpoints (tenant_id, id),
    foreign key (tenant_id, event_id) references webhook_events (tenant_id, id),
    check ((status = 'waiting') = (finished_at is null))
);
create index webhook_deliveries_by_time on webhook_deliveries (tenant_id, created_at, id);
create index webhook_deliveries_by_endpoint on webhook_deliveries (tenant_id, endpoint_id, created_at, id);
create index webhook_deliveries_due on webhook_deliveries (tenant_id, next_at) where status = 'waiting';
alter table webhook_deliveries enable row level security;
alter table webhook_deliveries force row level security;
create policy own on webhook_deliveries using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert on webhook_deliveries to assay_service;
grant update (status, attempts, attempts_before, next_at, last_status, last_error, finished_at) on webhook_deliveries to assay_service;

-- One call to an endpoint, and how it answered.
create table webhook_attempts (
    tenant_id uuid not null,
    delivery_id uuid not null,
    number integer not null check (number > 0),
    at timestamptz not null,
    -- None where there was no answer; `error` says why.
    status integer,
    milliseconds integer not null,
    error text,
    primary key (tenant_id, delivery_id, number),
    foreign key (tenant_id, delivery_id) references webhook_deliveries (tenant_id, id)
);
alter table webhook_attempts enable row level security;
alter table webhook_attempts force row level security;
create policy own on webhook_attempts using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert on webhook_attempts to assay_service;

alter table outbox drop constraint outbox_kind_check;
alter table outbox add constraint outbox_kind_check check (kind in ('start', 'cancel', 'decision', 'lease', 'delivery'));
