insert into webhook_events (tenant_id, id, type, body, sent) values ('00000000-0000-7000-8000-000000000001', gen_random_uuid(), 'level.changed', '{}', false);
