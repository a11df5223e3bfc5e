insert into reviews (tenant_id, id, verification_id, part, wanted, status, blockers, due_at, expires_at, escalated_by)
select tenant_id, '00000000-0000-7000-8000-000000000170', verification_id, 2, 2, 'decided', '[]', now(), now(), 'user:sample'
from reviews where tenant_id = '00000000-0000-7000-8000-000000000001' and part = 1 limit 1;
insert into decisions (tenant_id, id, review_id, verification_id, holder, lease_generation, decision, outcome, round, part, settles)
select tenant_id, '00000000-0000-7000-8000-000000000171', id, verification_id, 'user:sample', 1, '{}', '{}', round, part, false
from reviews where tenant_id = '00000000-0000-7000-8000-000000000001' and part = 2;
