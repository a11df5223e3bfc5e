-- A lead arranges the queue, and who holds a review can put it aside.
alter table reviews
    -- Said to be urgent: from then on it counts as due, so it comes after what is overdue longer and before everything else.
    add column boosted_at timestamptz,
    -- Whose it is to answer. Their next comes from these first, and nobody else's next does until the promised time has passed.
    add column assigned_to uuid,
    add column assigned_at timestamptz,
    -- Nobody's next until then; never beyond the promised time.
    add column snoozed_until timestamptz,
    add constraint reviews_assigned_to_fkey foreign key (tenant_id, assigned_to)
        references memberships (tenant_id, user_id) on delete set null (assigned_to);
grant update (boosted_at, assigned_to, assigned_at, snoozed_until) on reviews to assay_service;

-- The place in the queue is least(boosted_at, due_at): least passes over nulls.
drop index reviews_open;
drop index reviews_by_due;
create index reviews_open on reviews (tenant_id, least(boosted_at, due_at), id) where status in ('pending', 'escalated');
create index reviews_by_place on reviews (tenant_id, least(boosted_at, due_at), id);
create index reviews_assigned on reviews (tenant_id, assigned_to, least(boosted_at, due_at), id)
    where assigned_to is not null and status in ('pending', 'escalated');

-- Who put which review aside, once for each lease. Skipping is not reviewing: it is counted on its own.
create table skips (
    tenant_id uuid not null,
    -- No foreign key: its check would lock the review's row, and whoever decides locks the verification's before that.
    review_id uuid not null,
    lease_generation bigint not null,
    actor text not null check (actor <> ''),
    -- Who is to answer instead: the same person later, somebody else, or a lead.
    target text not null check (target in ('mine', 'others', 'lead')),
    skipped_at timestamptz not null default now(),
    primary key (tenant_id, review_id, lease_generation)
);
create index skips_by_actor on skips (tenant_id, actor, skipped_at);
alter table skips enable row level security;
alter table skips force row level security;
create policy own on skips using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert on skips to assay_service;
create trigger refuse_change before update or delete on skips for each row execute function refuse_change();

-- Open queues hear of it like of any change of hands.
drop trigger tell_changed on reviews;
create trigger tell_changed after update on reviews for each row
    when ((old.status, old.lease_holder, old.lease_generation, old.boosted_at, old.assigned_to, old.snoozed_until)
        is distinct from (new.status, new.lease_holder, new.lease_generation, new.boosted_at, new.assigned_to, new.snoozed_until))
    execute function tell_of_review();
