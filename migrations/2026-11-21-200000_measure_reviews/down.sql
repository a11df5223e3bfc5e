drop index comments_open_by_author;
drop index drafts_by_holder;
drop table evidence_openings;
drop table measures;
drop table review_times;
drop trigger note_lease on reviews;
drop function note_lease();
alter table reviews drop column first_leased_at, drop column leased_at;
