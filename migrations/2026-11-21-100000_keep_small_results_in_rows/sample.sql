-- Taking the migration back leaves the row, so it may be there.
insert into stage_results (tenant_id, content_hash, stage, version, object_key, content, run_id, activity_id, attempt)
values ('00000000-0000-7000-8000-000000000001', sha256('more bytes'), 'prepare', '1', 'tenants/sample/prepare', '{"pages":1}', 'run', '1', 1)
on conflict do nothing;
