-- No tenant's rows, so no tenant's policy lets the owner write them.
alter table instances no force row level security;
insert into instances (id, role, version, pools) values ('00000000-0000-7000-8000-0000000000f1', 'worker', '0.1.0', '{ocr,cpu}');
alter table instances force row level security;
alter table task_queues no force row level security;
insert into task_queues (pool, backlog, oldest_seconds, pollers) values ('ocr', 3, 1.5, 1);
alter table task_queues force row level security;
alter table chores no force row level security;
insert into chores (name, found) values ('patrol', 0);
alter table chores force row level security;
