-- What operators see of the installation as a whole. None of it belongs to a tenant, and none of it names a machine: only the relay role
-- reaches these tables. Every row is written over again and again and may be lost; nothing is decided by them.

-- A process that serves, by an id that it made up when it started. It says so every few seconds, and takes its row away when it ends well.
create table instances (
    id uuid not null,
    role text not null check (role in ('gateway', 'relay', 'worker', 'desk')),
    version text not null check (length(version) between 1 and 100),
    -- The pools that a worker serves; none for the other roles.
    pools text[] not null default '{}',
    started_at timestamptz not null default clock_timestamp(),
    seen_at timestamptz not null default clock_timestamp(),
    primary key (id, role)
);
alter table instances enable row level security;
alter table instances force row level security;
create policy relay on instances to assay_relay using (true);
grant select, insert, delete on instances to assay_relay;
grant update (version, pools, seen_at) on instances to assay_relay;

-- What the engine last told of each pool's queue.
create table task_queues (
    pool text primary key check (length(pool) between 1 and 100),
    backlog bigint not null check (backlog >= 0),
    oldest_seconds double precision not null,
    pollers integer not null check (pollers >= 0),
    seen_at timestamptz not null default clock_timestamp()
);
alter table task_queues enable row level security;
alter table task_queues force row level security;
create policy relay on task_queues to assay_relay using (true);
grant select, insert on task_queues to assay_relay;
grant update (backlog, oldest_seconds, pollers, seen_at) on task_queues to assay_relay;

-- When work that recurs was last brought to its end, and how much it found.
create table chores (
    name text primary key check (name in ('housekeeping', 'patrol')),
    found bigint not null check (found >= 0),
    ended_at timestamptz not null default clock_timestamp()
);
alter table chores enable row level security;
alter table chores force row level security;
create policy relay on chores to assay_relay using (true);
grant select, insert on chores to assay_relay;
grant update (found, ended_at) on chores to assay_relay;
