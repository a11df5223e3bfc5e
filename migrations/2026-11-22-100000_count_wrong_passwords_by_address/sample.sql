-- No tenant's rows, so no tenant's policy lets the owner write them.
alter table wrong_passwords no force row level security;
insert into wrong_passwords (address_sha256, times, waits_until) values (sha256('nobody@example.com'), 5, now() + interval '15 seconds');
alter table wrong_passwords force row level security;
