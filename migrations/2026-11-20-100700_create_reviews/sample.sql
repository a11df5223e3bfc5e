insert into reviews (tenant_id, id, verification_id, status, blockers, due_at, expires_at)
values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000006', '00000000-0000-7000-8000-000000000004', 'pending', '[]', now(), now());
insert into decisions (tenant_id, id, review_id, verification_id, holder, lease_generation, decision, outcome)
values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000007', '00000000-0000-7000-8000-000000000006',
    '00000000-0000-7000-8000-000000000004', 'sample', 1, '{}', '{}');
