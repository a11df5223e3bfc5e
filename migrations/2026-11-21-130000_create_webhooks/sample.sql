insert into webhook_endpoints (tenant_id, id, url, events, secrets)
values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000d1', 'https://hooks.acme.com/assay', '{verification.final}',
    '[{"secret":"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}]');
insert into webhook_events (tenant_id, id, type, verification_id, sequence, body)
values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000d2', 'verification.final', '00000000-0000-7000-8000-000000000004', 4, '{}');
insert into webhook_deliveries (tenant_id, id, endpoint_id, event_id, attempts, last_status)
values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000d3', '00000000-0000-7000-8000-0000000000d1',
    '00000000-0000-7000-8000-0000000000d2', 1, 503);
insert into webhook_attempts (tenant_id, delivery_id, number, at, status, milliseconds)
values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000d3', 1, now(), 503, 12);
insert into outbox (tenant_id, id, verification_id, kind, payload)
values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000d4', '00000000-0000-7000-8000-000000000004', 'delivery',
    '{"delivery_id":"dlv_000000000000700080000000000000d3"}');
