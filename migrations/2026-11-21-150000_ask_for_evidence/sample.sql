update reviews set status = 'asked' where tenant_id = '00000000-0000-7000-8000-000000000001';
update verifications set evidence_request = '{"text":"The second page"}' where tenant_id = '00000000-0000-7000-8000-000000000001';
