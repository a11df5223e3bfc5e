-- A small result lies in its row, which spares an object and a round trip; a large one lies where `object_key` says.
alter table stage_results add column content json;
-- Nothing reads it any more.
alter table stage_results alter column summary drop not null;
