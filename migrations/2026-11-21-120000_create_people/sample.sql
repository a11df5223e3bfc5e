-- No tenant's rows, so no tenant's policy lets the owner write them.
alter table users no force row level security;
insert into users (id, email) values ('00000000-0000-7000-8000-0000000000a1', 'ann@example.com');
alter table users force row level security;
insert into memberships (tenant_id, user_id, name, roles)
values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a1', 'Ann', '{reviewer,lead}');
alter table sessions no force row level security;
insert into sessions (token_sha256, user_id, tenant_id, csrf, ends_at)
values (sha256('cookie'), '00000000-0000-7000-8000-0000000000a1', '00000000-0000-7000-8000-000000000001', 'form', now() + interval '1 hour');
alter table sessions force row level security;
insert into drafts (tenant_id, review_id, holder, content)
values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000006', 'user:sample', '{}');
insert into comments (tenant_id, id, verification_id, author, body)
values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000c1', '00000000-0000-7000-8000-000000000004', 'user:sample', 'Look twice.');
