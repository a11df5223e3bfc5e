-- Open pages of the desk hear of changes as they are committed. A notice names the tenant and what to look at, never what stands there:
-- the rows are the truth. `tenant uuid:review uuid` for a review, `tenant uuid:access` when somebody's session or roles changed.
--
-- Notices are part of the transaction, so that no way of changing a review can forget them. PostgreSQL lets commits with notices pass one
-- after the other; reviews change hands a few times each, and stages of verifications, which are many more, tell nothing here.
create function tell_of_review() returns trigger language plpgsql as $$
begin
    perform pg_notify('assay_desk', new.tenant_id || ':' || new.id);
    return null;
end $$;
create trigger tell_new after insert on reviews for each row execute function tell_of_review();
-- A lease that its holder makes last longer is no news to anybody.
create trigger tell_changed after update on reviews for each row
    when ((old.status, old.lease_holder, old.lease_generation) is distinct from (new.status, new.lease_holder, new.lease_generation))
    execute function tell_of_review();

create function tell_of_access() returns trigger language plpgsql as $$
begin
    perform pg_notify('assay_desk', old.tenant_id || ':access');
    return null;
end $$;
create trigger tell_ended after delete on sessions for each row execute function tell_of_access();
create trigger tell_moved after update on sessions for each row
    when (old.tenant_id is distinct from new.tenant_id) execute function tell_of_access();
create trigger tell_ended after delete on memberships for each row execute function tell_of_access();
create trigger tell_changed after update on memberships for each row
    when (old.roles is distinct from new.roles) execute function tell_of_access();

-- Why a lead took a review over, for the one who lost it: said of the lease with this number and of no later one.
alter table reviews add column taken_over_generation bigint, add column taken_over_reason text;
grant update (taken_over_generation, taken_over_reason) on reviews to assay_service;

-- Which keys a person chose for the desk, by the name of the act, and whether single keys are off. Nothing for who changed nothing.
alter table users add column desk_keys json;
grant update (desk_keys) on users to assay_relay;
