-- Whoever follows a tenant's events goes on after the last one seen. So each gets a number, in the order in which the events became visible.
create table webhook_feeds (
    tenant_id uuid primary key references tenants (id),
    -- The number given last.
    last bigint not null
    -- Few rows, changed with every event: room on the page keeps their versions together.
) with (fillfactor = 20);
alter table webhook_feeds enable row level security;
create policy own on webhook_feeds using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);

-- None only until the commit.
alter table webhook_events add column number bigint;
alter table webhook_events no force row level security;
update webhook_events e set number = numbered.number
from (select tenant_id, id, row_number() over (partition by tenant_id order by created_at, id) as number from webhook_events) numbered
where e.tenant_id = numbered.tenant_id and e.id = numbered.id;
insert into webhook_feeds (tenant_id, last) select tenant_id, max(number) from webhook_events group by tenant_id;
alter table webhook_events force row level security;
alter table webhook_feeds force row level security;
create unique index webhook_events_by_number on webhook_events (tenant_id, number);
create index webhook_events_by_time on webhook_events (tenant_id, created_at, number);
-- An event that is forgotten is looked for among the deliveries first.
create index webhook_deliveries_by_event on webhook_deliveries (tenant_id, event_id);

-- Runs as the owner, so that no role that serves needs the right to write numbers.
create function number_webhook_event() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    given bigint;
begin
    -- The lock on this row is held until the commit is seen by all, so nobody sees a number before those below it.
    insert into public.webhook_feeds as f (tenant_id, last) values (new.tenant_id, 1)
    on conflict (tenant_id) do update set last = f.last + 1 returning f.last into given;
    update public.webhook_events set number = given where tenant_id = new.tenant_id and id = new.id;
    return null;
end
$$;
revoke execute on function number_webhook_event() from public;
-- As late as can be, because all commits with events of a tenant queue from then on. Releases that know nothing of numbers get them as well.
create constraint trigger number_webhook_event after insert on webhook_events deferrable initially deferred
    for each row execute function number_webhook_event();

-- Background work forgets old events that no delivery names.
grant select (tenant_id, id, created_at), delete on webhook_events to assay_relay;
grant select (tenant_id, event_id) on webhook_deliveries to assay_relay;
create policy relay on webhook_events to assay_relay using (true);
create policy relay on webhook_deliveries for select to assay_relay using (true);
