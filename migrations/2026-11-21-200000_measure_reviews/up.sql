-- What is measured of people's work on reviews: how long it waits, how long it takes, and what became of it.

-- Since when who has it has it, and when somebody had it for the first time. Many statements change hands, so the row notes it itself.
alter table reviews add column leased_at timestamptz, add column first_leased_at timestamptz;
create function note_lease() returns trigger language plpgsql as $$
begin
    new.leased_at := clock_timestamp();
    new.first_leased_at := coalesce(old.first_leased_at, new.leased_at);
    return new;
end $$;
-- A new token for a lease that runs is no change of hands.
create trigger note_lease before update on reviews for each row
    when (new.lease_holder is not null and new.lease_generation <> old.lease_generation
        and (old.lease_holder is distinct from new.lease_holder or old.lease_expires_at <= clock_timestamp()))
    execute function note_lease();

-- The time that a person spent on a review, as the open page reports it.
create table review_times (
    tenant_id uuid not null,
    -- No foreign key: its check would lock the review's row, and whoever decides locks the verification's before that.
    review_id uuid not null,
    actor text not null check (actor <> ''),
    -- Milliseconds, as below.
    active_ms bigint not null default 0,
    open_ms bigint not null default 0,
    -- By field: {"total": [active, open]}.
    places json not null default '{}',
    -- Until when time is accounted for; a report is believed for no more than what has passed since.
    reported_at timestamptz not null,
    primary key (tenant_id, review_id, actor),
    check (0 <= active_ms and active_ms <= open_ms)
);
alter table review_times enable row level security;
alter table review_times force row level security;
create policy own on review_times using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert on review_times to assay_service;
grant update (active_ms, open_ms, places, reported_at) on review_times to assay_service;

-- One row for each answer that a person gave, with what figures are made of in columns of its own. Answers of before have none.
create table measures (
    tenant_id uuid not null,
    decision_id uuid not null,
    verification_id uuid not null,
    review_id uuid not null,
    actor text not null,
    round integer not null,
    part smallint not null,
    -- Whether it is the word of its round.
    settles boolean not null,
    claim_type text not null,
    verdict text not null,
    -- What the machine had said, and how sure it was.
    machine_verdict text not null,
    machine_score double precision not null,
    -- The machine had decided, and this one was drawn to be looked at all the same.
    sampled boolean not null,
    -- From opening to the first lease.
    waited_ms bigint,
    -- From getting it to answering.
    held_ms bigint,
    -- As the page reported; without scripts nothing is known to be active, and what was open is what was held.
    active_ms bigint,
    open_ms bigint,
    -- Before the promised time.
    timely boolean not null,
    decided_at timestamptz not null,
    -- What the other of two independent readers said.
    peer_verdict text,
    -- The round has its word. Before that nothing of its answers is told to anybody, not even in sums.
    settled boolean not null default false,
    -- What took its place, if it does not stand.
    overturned text check (overturned in ('adjudication', 'correction')),
    primary key (tenant_id, decision_id),
    unique (tenant_id, verification_id, round, part),
    foreign key (tenant_id, decision_id) references decisions (tenant_id, id)
);
create index measures_by_time on measures (tenant_id, decided_at, decision_id);
create index measures_by_actor on measures (tenant_id, actor, decided_at, decision_id);
create index measures_overturned on measures (tenant_id, actor, decided_at) where overturned is not null;
alter table measures enable row level security;
alter table measures force row level security;
create policy own on measures using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert on measures to assay_service;
grant update (peer_verdict, settled, overturned) on measures to assay_service;

-- Who opened the evidence of what, once for each lease or session; the audit chain has an entry for each row.
create table evidence_openings (
    tenant_id uuid not null,
    -- A verification, or a file that belongs to none.
    subject text not null,
    actor text not null,
    -- The lease or, without one, the session; of the latter a hash.
    occasion text not null,
    at timestamptz not null default now(),
    primary key (tenant_id, subject, actor, occasion)
);
alter table evidence_openings enable row level security;
alter table evidence_openings force row level security;
create policy own on evidence_openings using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert on evidence_openings to assay_service;

-- For the pages of one person.
create index drafts_by_holder on drafts (tenant_id, holder, updated_at desc);
create index comments_open_by_author on comments (tenant_id, author, id) where resolved_at is null;
