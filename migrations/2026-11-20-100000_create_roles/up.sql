-- The two roles that serve. A stack creates them with passwords; a plain database gets them without a login.
-- Roles belong to the whole cluster, so another database may be creating them at this moment.
do $$
declare
    missing text;
begin
    foreach missing in array array['assay_service', 'assay_relay'] loop
        if not exists (select from pg_catalog.pg_roles where rolname = missing) then
            begin
                execute format('create role %I nologin', missing);
            exception when duplicate_object or unique_violation then
                null;
            end;
        end if;
    end loop;
end
$$;

grant usage on schema public to assay_service, assay_relay;

-- Raised by triggers on whatever is append only. Privileges already forbid it to the roles that serve;
-- this stops an owner's slip of the hand.
create function refuse_change() returns trigger
language plpgsql as $$
begin
    raise exception '% on % is refused: it is append only', tg_op, tg_table_name using errcode = 'insufficient_privilege';
end
$$;

-- Names the tables that are partitioned by month, and how many months ahead they must reach at least.
create table partitioned_tables (
    name text primary key,
    append_only boolean not null
);

-- Creates the month partitions from this month up to `months_ahead` months from now, and says how many were new.
-- There is no DEFAULT partition: with one, a month could not be detached concurrently.
-- A partition can only be reached through its parent: it grants nothing and row security has no policy on it.
-- A new partition locks its parent for a moment. Whoever waits for that lock holds up everybody behind, so nobody waits long.
create function ensure_partitions(months_ahead integer) returns integer
language plpgsql security definer set search_path = pg_catalog, public, pg_temp set lock_timeout = '2s' as $$
declare
    parent record;
    month timestamptz;
    partition_name text;
    created integer := 0;
begin
    -- Two processes may notice a missing month together.
    perform pg_advisory_xact_lock(hashtextextended('assay.ensure_partitions', 0));
    for parent in select name, append_only from public.partitioned_tables order by name loop
        for ahead in 0..months_ahead loop
            month := (date_trunc('month', now() at time zone 'UTC') + make_interval(months => ahead)) at time zone 'UTC';
            partition_name := parent.name || to_char(month at time zone 'UTC', '_YYYY_MM');
            continue when to_regclass('public.' || partition_name) is not null;
            execute format(
                'create table public.%I partition of public.%I for values from (%L) to (%L)',
                partition_name, parent.name, month, (month at time zone 'UTC' + interval '1 month') at time zone 'UTC'
            );
            execute format('alter table public.%I enable row level security', partition_name);
            execute format('alter table public.%I force row level security', partition_name);
            if parent.append_only then
                -- Row triggers come down from the parent, statement triggers do not.
                execute format(
                    'create trigger refuse_truncate before truncate on public.%I for each statement execute function public.refuse_change()',
                    partition_name
                );
            end if;
            created := created + 1;
        end loop;
    end loop;
    return created;
end
$$;
revoke execute on function ensure_partitions(integer) from public;
grant execute on function ensure_partitions(integer) to assay_relay;

-- How many months after the current one every partitioned table reaches without a hole; -1 when this month is missing.
create function partitions_ahead() returns integer
language plpgsql stable set search_path = pg_catalog, public, pg_temp as $$
declare
    ahead integer := 0;
    suffix text;
begin
    loop
        suffix := to_char((now() at time zone 'UTC') + make_interval(months => ahead), '_YYYY_MM');
        exit when ahead > 1200 or exists (
            select from public.partitioned_tables where to_regclass('public.' || name || suffix) is null
        );
        ahead := ahead + 1;
    end loop;
    return ahead - 1;
end
$$;
grant select on partitioned_tables to assay_relay;
