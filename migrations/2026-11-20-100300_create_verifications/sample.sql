insert into verifications (tenant_id, id, status, claim_type, claim_type_version, claim, priority, metadata, policy, evidence_ids, livemode)
values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000004', 'queued', 'expense_receipt', 1, '{"total":"9.00"}', 'normal', '{}',
    '{"version":1}', '{00000000-0000-7000-8000-000000000003}', true);
insert into verification_evidence values
    ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000004', '00000000-0000-7000-8000-000000000003');
insert into idempotency_keys (tenant_id, key, fingerprint, verification_id, expires_at)
values ('00000000-0000-7000-8000-000000000001', 'sample', sha256('body'), '00000000-0000-7000-8000-000000000004', now() + interval '1 day');
insert into outbox (tenant_id, id, verification_id, kind, payload)
values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000005', '00000000-0000-7000-8000-000000000004', 'start', '{}');
