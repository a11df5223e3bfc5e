insert into review_times (tenant_id, review_id, actor, active_ms, open_ms, places, reported_at)
values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000006', 'user:sample', 5, 9, '{"total": [5, 9]}', now());
insert into measures (tenant_id, decision_id, verification_id, review_id, actor, round, part, settles, claim_type, verdict, machine_verdict,
    machine_score, sampled, timely, decided_at)
select tenant_id, id, verification_id, review_id, holder, round, part, settles, 'expense_receipt', 'supported', 'insufficient', 0.5, false, true, created_at
from decisions where tenant_id = '00000000-0000-7000-8000-000000000001';
insert into evidence_openings (tenant_id, subject, actor, occasion)
values ('00000000-0000-7000-8000-000000000001', 'ver_sample', 'user:sample', 'session sample');
