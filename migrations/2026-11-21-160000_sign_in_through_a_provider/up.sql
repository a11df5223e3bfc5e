-- People whom an organisation's own provider knows. They are who the provider says, by issuer and subject: an address may change hands.
alter table users add column issuer text, add column subject text;
alter table users add constraint users_provider_check check (
    (issuer is null) = (subject is null) and (issuer is null or issuer <> '' and subject <> '')
    -- Nobody comes in by a password whom the provider may have let go.
    and (issuer is null or password_hash is null)
);
create unique index users_by_subject on users (issuer, subject);
-- An address names one local account, and is no more than a label for those who come through a provider, which may not tell it at all.
-- No release was shipped with the constraint; were there one, its `assay users create` would fail until it is replaced, and nothing else.
alter table users drop constraint users_email_key, drop constraint users_email_check;
alter table users add constraint users_email_check check (email = lower(email) and (email <> '' or issuer is not null));
create unique index users_local_email on users (email) where issuer is null;
grant update (email) on users to assay_relay;

-- Sign-ins that were begun at the desk and are not back from the provider. Rows, so that the way back may lead to another instance.
create table sign_ins (
    -- Goes to the provider and comes back in the address.
    state_sha256 bytea primary key check (octet_length(state_sha256) = 32),
    -- A cookie, known to the browser that began alone: nobody is signed in by a link that somebody else sends.
    browser_sha256 bytea not null check (octet_length(browser_sha256) = 32),
    issuer text not null,
    -- What the provider's answer must carry, and what proves to it that we are who asked.
    nonce text not null,
    verifier text not null,
    -- A path of the desk, or nothing.
    next text not null,
    created_at timestamptz not null default now(),
    ends_at timestamptz not null
);
create index sign_ins_by_end on sign_ins (ends_at);
alter table sign_ins enable row level security;
alter table sign_ins force row level security;
create policy relay on sign_ins to assay_relay using (true);
grant select, insert, delete on sign_ins to assay_relay;
