insert into policies (tenant_id, version, document, actor)
values ('00000000-0000-7000-8000-000000000001', 1, '{"version":1}', 'operator');
