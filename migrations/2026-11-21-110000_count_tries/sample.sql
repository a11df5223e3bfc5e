insert into stage_tries (tenant_id, run_id, activity_id, lost, failed)
values ('00000000-0000-7000-8000-000000000001', 'run', '1', 1, 2);
