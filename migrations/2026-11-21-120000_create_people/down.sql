drop table comments;
drop table drafts;
drop table sessions;
drop table memberships;
drop table users;
