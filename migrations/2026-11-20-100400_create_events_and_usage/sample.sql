insert into events values
    ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000004', 1, now(), 'verification.accepted', 'system', '{"status":"queued"}');
insert into usage_entries (tenant_id, verification_id, idempotency_key, accepted_at, stage, pages, cpu_seconds, bytes)
values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000004', 'intake', now(), 'intake', 0, 0.1, 5);
