drop table chores;
drop table task_queues;
drop table instances;
