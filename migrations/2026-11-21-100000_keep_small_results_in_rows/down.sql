alter table stage_results no force row level security;
update stage_results set summary = '{}' where summary is null;
alter table stage_results force row level security;
alter table stage_results alter column summary set not null;
alter table stage_results drop column content;
