revoke select (sent) on webhook_events from assay_relay;
drop index webhook_events_unsent;
alter table webhook_events drop column sent;
