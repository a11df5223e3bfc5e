insert into tenants (id, name, policy) values ('00000000-0000-7000-8000-000000000001', 'sample', '{"version":1}');
insert into api_keys (tenant_id, id, prefix, secret_sha256, name, scopes, livemode)
values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002', 'abcdefgh', sha256('key'), 'sample', '{verifications:write}', true);
