drop policy relay on webhook_deliveries;
drop policy relay on webhook_events;
revoke select (tenant_id, event_id) on webhook_deliveries from assay_relay;
revoke select (tenant_id, id, created_at), delete on webhook_events from assay_relay;
drop trigger number_webhook_event on webhook_events;
drop function number_webhook_event();
drop index webhook_deliveries_by_event, webhook_events_by_time, webhook_events_by_number;
alter table webhook_events drop column number;
drop table webhook_feeds;
