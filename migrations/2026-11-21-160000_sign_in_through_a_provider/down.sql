drop table sign_ins;
-- The older shape has no place for people of a provider. No tenant's policy lets the owner remove their rows.
alter table users no force row level security;
alter table memberships no force row level security;
alter table sessions no force row level security;
delete from sessions where user_id in (select id from users where issuer is not null);
delete from memberships where user_id in (select id from users where issuer is not null);
delete from users where issuer is not null;
alter table sessions force row level security;
alter table memberships force row level security;
alter table users force row level security;
revoke update (email) on users from assay_relay;
drop index users_local_email;
drop index users_by_subject;
alter table users drop constraint users_email_check, drop constraint users_provider_check;
alter table users add constraint users_email_check check (email = lower(email) and email <> '');
alter table users add constraint users_email_key unique (email);
alter table users drop column subject, drop column issuer;
