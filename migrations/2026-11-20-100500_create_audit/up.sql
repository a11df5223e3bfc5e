-- One hash chain per tenant. Nobody but record_changes writes it.
create table audit_heads (
    tenant_id uuid primary key,
    seq bigint not null,
    hash bytea not null check (octet_length(hash) = 32)
    -- Few rows, changed with every commit: room on the page keeps their versions together.
) with (fillfactor = 20);
alter table audit_heads enable row level security;
alter table audit_heads force row level security;
create policy own on audit_heads using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy relay on audit_heads for select to assay_relay using (true);
grant select on audit_heads to assay_service, assay_relay;

create table audit_events (
    tenant_id uuid not null,
    seq bigint not null,
    at timestamptz not null,
    event_type text not null,
    actor text not null,
    subject text not null,
    commitment bytea not null check (octet_length(commitment) = 32),
    hash bytea not null check (octet_length(hash) = 32),
    -- The locked head keeps seq unique across months; `assay audit verify` proves it.
    primary key (tenant_id, seq, at)
) partition by range (at);
alter table audit_events enable row level security;
alter table audit_events force row level security;
create policy own on audit_events using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy relay on audit_events for select to assay_relay using (true);
grant select on audit_events to assay_service, assay_relay;
create trigger refuse_change before update or delete on audit_events for each row execute function refuse_change();
create trigger refuse_truncate before truncate on audit_events for each statement execute function refuse_change();

-- Salt and payload lie beside the chain, so that a later erasure of them leaves the chain verifiable.
create table audit_payloads (
    tenant_id uuid not null,
    seq bigint not null,
    at timestamptz not null,
    salt bytea not null,
    -- The very bytes that were hashed.
    payload bytea not null,
    primary key (tenant_id, seq, at)
) partition by range (at);
alter table audit_payloads enable row level security;
alter table audit_payloads force row level security;
create policy own on audit_payloads using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
create policy relay on audit_payloads for select to assay_relay using (true);
grant select on audit_payloads to assay_service, assay_relay;
create trigger refuse_change before update or delete on audit_payloads for each row execute function refuse_change();
create trigger refuse_truncate before truncate on audit_payloads for each statement execute function refuse_change();

insert into partitioned_tables values ('audit_events', true), ('audit_payloads', true);
select ensure_partitions(3);

-- Bytes behind their own length as eight bytes, most significant first.
create function length_prefixed(bytes bytea) returns bytea
language sql immutable strict parallel safe as $$
    select int8send(octet_length(bytes)::bigint) || bytes
$$;

-- Appends changes to the chain of the tenant that the transaction works for, and to the timelines of their verifications.
-- Takes a JSON array, in UTF-8, of {type, actor, subject, payload, verification_id?, sequence?}. Returns the last seq.
-- It runs as the owner, so that no role that serves needs the right to write here. The link's bytes are those of domain::audit.
create function record_changes(changes bytea) returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    tenant uuid := nullif(current_setting('app.tenant', true), '')::uuid;
    head record;
    change json;
    previous bytea;
    number bigint;
    moment timestamptz;
    new_salt bytea;
    new_payload bytea;
    new_commitment bytea;
begin
    if tenant is null then
        raise exception 'a change was recorded outside of a tenant''s transaction';
    end if;
    -- The lock on the head makes the chain gapless and free of forks; it is held until the commit that follows at once.
    select seq, hash into head from public.audit_heads where tenant_id = tenant for update;
    if not found then
        insert into public.audit_heads values (tenant, 0, decode(repeat('00', 32), 'hex')) on conflict do nothing;
        select seq, hash into strict head from public.audit_heads where tenant_id = tenant for update;
    end if;
    previous := head.hash;
    number := head.seq;
    for change in select value from json_array_elements(convert_from(changes, 'UTF8')::json) with ordinality order by ordinality loop
        number := number + 1;
        moment := clock_timestamp();
        -- 122 random bits: enough that nobody guesses a payload from its commitment.
        new_salt := uuid_send(gen_random_uuid());
        new_payload := convert_to(change ->> 'payload', 'UTF8');
        new_commitment := sha256(convert_to('assay.audit.commit.v1', 'UTF8') || public.length_prefixed(new_salt) || public.length_prefixed(new_payload));
        previous := sha256(
            convert_to('assay.audit.link.v1', 'UTF8') || previous || uuid_send(tenant) || int8send(number)
            || int8send((extract(epoch from moment) * 1000000)::bigint)
            || public.length_prefixed(convert_to(change ->> 'type', 'UTF8'))
            || public.length_prefixed(convert_to(change ->> 'actor', 'UTF8'))
            || public.length_prefixed(convert_to(change ->> 'subject', 'UTF8'))
            || new_commitment
        );
        insert into public.audit_events (tenant_id, seq, at, event_type, actor, subject, commitment, hash)
        values (tenant, number, moment, change ->> 'type', change ->> 'actor', change ->> 'subject', new_commitment, previous);
        insert into public.audit_payloads (tenant_id, seq, at, salt, payload) values (tenant, number, moment, new_salt, new_payload);
        if change ->> 'verification_id' is not null then
            insert into public.events (tenant_id, verification_id, sequence, at, kind, actor, data)
            values (tenant, (change ->> 'verification_id')::uuid, (change ->> 'sequence')::bigint, moment, change ->> 'type', change ->> 'actor',
                (change ->> 'payload')::json);
        end if;
    end loop;
    update public.audit_heads set seq = number, hash = previous where tenant_id = tenant;
    return number;
end
$$;
revoke execute on function record_changes(bytea) from public;
grant execute on function record_changes(bytea) to assay_service, assay_relay;
