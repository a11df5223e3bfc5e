drop trigger tell_changed on reviews;
create trigger tell_changed after update on reviews for each row
    when ((old.status, old.lease_holder, old.lease_generation) is distinct from (new.status, new.lease_holder, new.lease_generation))
    execute function tell_of_review();
drop table skips;
drop index reviews_assigned;
drop index reviews_by_place;
drop index reviews_open;
alter table reviews
    drop constraint reviews_assigned_to_fkey,
    drop column snoozed_until, drop column assigned_at, drop column assigned_to, drop column boosted_at;
create index reviews_open on reviews (tenant_id, due_at, id) where status in ('pending', 'escalated');
create index reviews_by_due on reviews (tenant_id, due_at, id);
