insert into evidence (tenant_id, id, sha256, size, media_type, filename, status, object_key)
values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000003', sha256('bytes'), 5, 'text/plain', 'sample.txt', 'ready', 'tenants/sample');
