drop function record_changes(bytea);
drop function length_prefixed(bytea);
delete from partitioned_tables where name in ('audit_events', 'audit_payloads');
drop table audit_payloads;
drop table audit_events;
drop table audit_heads;
