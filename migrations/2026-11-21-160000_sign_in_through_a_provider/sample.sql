-- No tenant's rows, so no tenant's policy lets the owner write them.
alter table users no force row level security;
insert into users (id, email, issuer, subject)
values ('00000000-0000-7000-8000-0000000000a2', 'ann@example.com', 'https://id.example.com', '8f2c'),
    ('00000000-0000-7000-8000-0000000000a3', '', 'https://id.example.com', '8f2d');
alter table users force row level security;
insert into memberships (tenant_id, user_id, name, roles)
values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a2', 'Ann', '{lead}');
alter table sign_ins no force row level security;
insert into sign_ins (state_sha256, browser_sha256, issuer, nonce, verifier, next, ends_at)
values (sha256('state'), sha256('browser'), 'https://id.example.com', 'nonce', 'verifier', '/reviews', now() + interval '10 minutes');
alter table sign_ins force row level security;
