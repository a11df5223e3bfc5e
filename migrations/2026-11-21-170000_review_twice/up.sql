-- Two people may be asked for an answer each, and a third where they disagree. A round of review has parts then, one after the other:
-- 1 first answer, 2 second answer, 3 adjudication. The engine knows a round by the id of its first part.
alter table reviews
    add column part smallint not null default 1 check (part between 1 and 3),
    -- How many independent answers the round wants; the policy says so when its first part is opened.
    add column wanted smallint not null default 1 check (wanted in (1, 2)),
    -- Who escalated it by hand: it is not handed back to them as their next.
    add column escalated_by text,
    drop constraint reviews_tenant_id_verification_id_round_key,
    add constraint reviews_part unique (tenant_id, verification_id, round, part);
grant update (escalated_by) on reviews to assay_service;

-- The defaults are right for whatever a process of the release before writes: it knows single answers only.
alter table decisions
    add column round integer not null default 1,
    add column part smallint not null default 1 check (part between 1 and 3),
    -- Whether it is the word of its round; an answer that another person must confirm first is not.
    add column settles boolean not null default true;
-- Decisions are append only, to everybody else and afterwards.
alter table decisions disable trigger refuse_change;
alter table decisions no force row level security;
alter table reviews no force row level security;
update decisions d set round = r.round from reviews r where r.tenant_id = d.tenant_id and r.id = d.review_id and r.round <> 1;
alter table reviews force row level security;
alter table decisions force row level security;
alter table decisions enable trigger refuse_change;
-- Four eyes are two people's: nobody answers twice in a round.
alter table decisions add constraint decisions_four_eyes unique (tenant_id, verification_id, round, holder);
-- A round has one word.
create unique index decisions_settled on decisions (tenant_id, verification_id, round) where settles;
