alter table users no force row level security;
update users set desk_keys = '{"off":false,"keys":{"next_field":"m"}}' where id = '00000000-0000-7000-8000-0000000000a1';
alter table users force row level security;
update reviews set taken_over_generation = 1, taken_over_reason = 'Ann is away'
where tenant_id = '00000000-0000-7000-8000-000000000001';
