-- Wrong passwords are counted by the address that was typed, whether or not there is an account behind it. Whoever is told to wait, and for how
-- long, so learns nothing of which addresses there are. It is no tenant's table: only the relay role reaches it.
--
-- `users.failed_sign_ins` and `users.locked_until` are the release before's, and are counted apart while both run. Nothing else reads them from
-- now on; the release after this one takes them away.
create table wrong_passwords (
    -- What somebody typed may be a password in the wrong field, so it is not kept.
    address_sha256 bytea primary key check (octet_length(address_sha256) = 32),
    -- In a row.
    times integer not null check (times > 0),
    last_at timestamptz not null default clock_timestamp(),
    -- No password is looked at before.
    waits_until timestamptz
);
create index wrong_passwords_by_time on wrong_passwords (last_at);
alter table wrong_passwords enable row level security;
alter table wrong_passwords force row level security;
create policy relay on wrong_passwords to assay_relay using (true);
grant select, insert, delete on wrong_passwords to assay_relay;
grant update (times, last_at, waits_until) on wrong_passwords to assay_relay;
