alter table outbox no force row level security;
delete from outbox where kind = 'delivery';
alter table outbox force row level security;
alter table outbox drop constraint outbox_kind_check;
alter table outbox add constraint outbox_kind_check check (kind in ('start', 'cancel', 'decision', 'lease'));
drop table webhook_attempts;
drop table webhook_deliveries;
drop table webhook_events;
drop table webhook_endpoints;
