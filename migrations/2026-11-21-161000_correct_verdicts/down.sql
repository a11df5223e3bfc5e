alter table verifications drop column corrections;
drop table corrections;
