drop index decisions_settled;
alter table decisions drop constraint decisions_four_eyes;
alter table decisions disable trigger refuse_change;
alter table decisions no force row level security;
alter table reviews no force row level security;
alter table drafts no force row level security;
delete from decisions where part <> 1;
delete from drafts using reviews r where r.tenant_id = drafts.tenant_id and r.id = drafts.review_id and r.part <> 1;
delete from reviews where part <> 1;
alter table drafts force row level security;
alter table reviews force row level security;
alter table decisions force row level security;
alter table decisions enable trigger refuse_change;
alter table decisions drop column settles, drop column part, drop column round;
revoke update (escalated_by) on reviews from assay_service;
alter table reviews
    drop constraint reviews_part,
    add constraint reviews_tenant_id_verification_id_round_key unique (tenant_id, verification_id, round),
    drop column escalated_by, drop column wanted, drop column part;
