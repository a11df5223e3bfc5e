create table verifications (
    tenant_id uuid not null references tenants (id),
    id uuid not null,
    status text not null check (status in (
        'awaiting_evidence', 'queued', 'processing', 'provisional', 'in_review', 'final', 'canceled', 'expired', 'failed'
    )),
    verdict text check (verdict in ('supported', 'refuted', 'insufficient')),
    claim_type text not null,
    claim_type_version integer not null,
    -- json, not jsonb: what clients sent comes back as they sent it, and a NUL in it is no error.
    claim json not null,
    priority text not null,
    metadata json not null,
    -- The tenant's policy when the verification was accepted.
    policy json not null,
    -- In the order of the submission; the rows of verification_evidence tie them to the files.
    evidence_ids uuid[] not null,
    livemode boolean not null,
    trace_parent text,
    progress json,
    provisional json,
    final_outcome json,
    failure text,
    cancel_requested_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    finished_at timestamptz,
    -- Rises with every change of the row: the ETag.
    version bigint not null default 1,
    -- Of the last event.
    sequence bigint not null default 1,
    primary key (tenant_id, id),
    check ((finished_at is not null) = (status in ('final', 'canceled', 'expired', 'failed')))
);
create index verifications_newest on verifications (tenant_id, created_at desc, id desc);
create index verifications_by_status on verifications (tenant_id, status, created_at desc, id desc);
create index verifications_unfinished on verifications (updated_at) where finished_at is null;
alter table verifications enable row level security;
alter table verifications force row level security;
create policy own on verifications using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy relay on verifications for select to assay_relay using (true);
grant select, insert on verifications to assay_service;
grant update (
    status, verdict, progress, provisional, final_outcome, failure, cancel_requested_at, updated_at, finished_at, version, sequence
) on verifications to assay_service;
grant select on verifications to assay_relay;

create table verification_evidence (
    tenant_id uuid not null,
    verification_id uuid not null,
    evidence_id uuid not null,
    primary key (tenant_id, verification_id, evidence_id),
    foreign key (tenant_id, verification_id) references verifications (tenant_id, id),
    foreign key (tenant_id, evidence_id) references evidence (tenant_id, id)
);
create index verification_evidence_by_evidence on verification_evidence (tenant_id, evidence_id);
alter table verification_evidence enable row level security;
alter table verification_evidence force row level security;
create policy own on verification_evidence using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert on verification_evidence to assay_service;

-- A key and what was answered. The answer is absent until the first response was stored; the row is not.
create table idempotency_keys (
    tenant_id uuid not null,
    key text not null check (length(key) between 1 and 400),
    fingerprint bytea not null check (octet_length(fingerprint) = 32),
    verification_id uuid,
    response_status smallint,
    response_headers json,
    response_body bytea,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    primary key (tenant_id, key)
);
create index idempotency_keys_by_expiry on idempotency_keys (expires_at);
alter table idempotency_keys enable row level security;
alter table idempotency_keys force row level security;
create policy own on idempotency_keys using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy relay on idempotency_keys to assay_relay using (true);
grant select, insert, update, delete on idempotency_keys to assay_service;
grant select, delete on idempotency_keys to assay_relay;

-- What the engine must still be told. Written in the transaction of the change, delivered by whoever comes first.
create table outbox (
    tenant_id uuid not null,
    id uuid not null,
    verification_id uuid not null,
    kind text not null check (kind in ('start', 'cancel', 'decision', 'lease')),
    payload json not null,
    attempts integer not null default 0,
    available_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    primary key (tenant_id, id)
);
create index outbox_due on outbox (available_at);
create index outbox_by_verification on outbox (tenant_id, verification_id);
alter table outbox enable row level security;
alter table outbox force row level security;
create policy own on outbox using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy relay on outbox to assay_relay using (true);
grant select, insert, delete on outbox to assay_service;
grant select, delete on outbox to assay_relay;
grant update (attempts, available_at) on outbox to assay_relay;
