create table evidence (
    tenant_id uuid not null references tenants (id),
    id uuid not null,
    -- Of the exact bytes; promised by the client while the upload is under way, checked by us once ready.
    sha256 bytea not null check (octet_length(sha256) = 32),
    size bigint not null check (size >= 0),
    media_type text not null,
    filename text,
    status text not null check (status in ('uploading', 'ready')),
    object_key text not null,
    -- Known once the file was prepared.
    pages integer check (pages >= 0),
    -- What an upload needs to go on: where the bytes are sent and until when.
    upload json,
    created_at timestamptz not null default now(),
    completed_at timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, sha256)
);
alter table evidence enable row level security;
alter table evidence force row level security;
create policy own on evidence using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert on evidence to assay_service;
grant update (size, media_type, filename, status, object_key, pages, upload, completed_at) on evidence to assay_service;
