drop table outbox;
drop table idempotency_keys;
drop table verification_evidence;
drop table verifications;
