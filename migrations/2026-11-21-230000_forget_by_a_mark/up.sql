-- Old events that were sent to nobody are forgotten every hour. Each says of itself whether it was sent, so that nobody looks among the deliveries.
--
-- True where nothing is said: the release before says nothing, and an event whose deliveries are there must not be forgotten. What that release
-- sends to nobody meanwhile is kept for good.
alter table webhook_events add column sent boolean not null default true;
alter table webhook_events no force row level security;
alter table webhook_deliveries no force row level security;
update webhook_events e set sent = false
where not exists (select from webhook_deliveries d where d.tenant_id = e.tenant_id and d.event_id = e.id);
alter table webhook_events force row level security;
alter table webhook_deliveries force row level security;
create index webhook_events_unsent on webhook_events (tenant_id, created_at) where not sent;
grant select (sent) on webhook_events to assay_relay;

-- What was typed for an answer is worth nothing once the answer is given; from now on it goes with it.
alter table drafts no force row level security;
alter table decisions no force row level security;
delete from drafts using decisions d where d.tenant_id = drafts.tenant_id and d.review_id = drafts.review_id and d.holder = drafts.holder;
alter table drafts force row level security;
alter table decisions force row level security;
