-- The roles stay: they belong to the cluster, and other databases may use them.
drop function partitions_ahead();
drop function ensure_partitions(integer);
drop table partitioned_tables;
drop function refuse_change();
revoke usage on schema public from assay_service, assay_relay;
