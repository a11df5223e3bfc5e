-- A person may ask for more evidence. The machine then answers anew, and a new round of review follows.
alter table verifications
    -- How many results of the machine were published; a late attempt of an earlier one finds that it is late.
    add column published integer not null default 0,
    -- What a person asked for, and when; nothing once it came.
    add column evidence_request json;
alter table verifications no force row level security;
update verifications set published = 1 where provisional is not null;
alter table verifications force row level security;
grant update (published, evidence_request, evidence_ids) on verifications to assay_service;

alter table reviews drop constraint reviews_status_check;
alter table reviews add constraint reviews_status_check check (status in ('pending', 'escalated', 'decided', 'asked', 'expired', 'canceled'));

alter table outbox drop constraint outbox_kind_check;
alter table outbox add constraint outbox_kind_check
    check (kind in ('start', 'cancel', 'decision', 'lease', 'delivery', 'evidence'));
