insert into skips (tenant_id, review_id, lease_generation, actor, target)
values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000006', 1, 'user:sample', 'others');
update reviews set boosted_at = now(), snoozed_until = due_at where tenant_id = '00000000-0000-7000-8000-000000000001';
