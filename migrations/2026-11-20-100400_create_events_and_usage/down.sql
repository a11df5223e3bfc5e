delete from partitioned_tables where name in ('events', 'usage_entries');
drop table usage_entries;
drop table events;
