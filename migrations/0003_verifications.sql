-- The partitions of tables with history, by month or year: see 0021_partitions.sql. The service's role has no rights in this schema. It
-- reaches partitions through their tables.
create schema partitions;

create table verifications (
    id uuid primary key,
    tenant_id uuid not null,
    config_id uuid not null,
    trigger text not null check (trigger in ('submission', 'manual', 'scheduled', 'rotation')),
    state text not null check (state in ('queued', 'running', 'finished')),
    -- Rejected because the version has lost its isolation or its ownership.
    is_breach boolean not null default false,
    verdict text check (verdict in ('verified', 'rejected', 'inconclusive', 'superseded')),
    attempt int not null default 0 check (attempt >= 0),
    next_attempt_at timestamptz,
    created_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    -- Fencing token: incremented by each worker that claims the run, so that a worker that lost its claim cannot write.
    lease bigint not null default 0,
    -- Until then, by this database's clock, the attempt may write its probe object. Only then may another worker
    -- claim the run.
    lease_until timestamptz,
    -- Number of the last event. Readers of the event stream resume after the number that they saw last.
    last_event int not null default 0,
    -- Keys of probe objects that may still be in the bucket.
    probe_objects text[] not null default '{}',
    -- The bucket keeps versions: no further attempt writes an object.
    keeps_versions text check (keeps_versions in ('versioning', 'replication', 'object_lock', 'mfa_delete')),
    -- The attempts and their findings, compressed, once it is finished: see verification_record.rs.
    record bytea,
    constraint verifications_config_of_tenant foreign key (config_id, tenant_id) references storage_configs (id, tenant_id),
    constraint verifications_finished_has_verdict check ((state = 'finished') = (verdict is not null and finished_at is not null)),
    constraint verifications_breach_is_rejected check (not is_breach or verdict = 'rejected'),
    constraint verifications_started check (state = 'queued' or started_at is not null or verdict = 'superseded')
) partition by range (id);
create table partitions.verifications_other partition of verifications default;

create index verifications_newest on verifications (tenant_id, created_at desc, id desc);

-- The verifications that are not finished. A trigger keeps it: an index of a partitioned table is unique in each partition only.
create table open_verifications (
    verification_id uuid primary key,
    tenant_id uuid not null,
    is_running boolean not null
);

-- Per tenant, one verification runs and one more is queued.
create unique index verifications_one_running on open_verifications (tenant_id) where is_running;
create unique index verifications_one_queued on open_verifications (tenant_id) where not is_running;

create function note_open_verification() returns trigger language plpgsql as $$
begin
    if tg_op <> 'DELETE' and new.state <> 'finished' then
        insert into open_verifications (verification_id, tenant_id, is_running) values (new.id, new.tenant_id, new.state = 'running')
            on conflict (verification_id) do update set is_running = excluded.is_running;
    elsif tg_op <> 'INSERT' then
        delete from open_verifications where verification_id = old.id;
    end if;
    return null;
end
$$;

create trigger verifications_note_open after insert or delete or update of state on verifications
    for each row execute function note_open_verification();

-- The attempts at a verification, until it is finished. Then they are in its record. There is no foreign key: a partition could only be
-- dropped after looking for references to each of its rows, while nobody can read.
create table verification_attempts (
    verification_id uuid not null,
    attempt int not null check (attempt >= 1),
    event int not null,
    started_at timestamptz not null,
    -- Set when another attempt follows, with the number of the event that announces it.
    next_attempt_at timestamptz,
    waiting_event int,
    primary key (verification_id, attempt),
    constraint verification_attempts_waiting check ((next_attempt_at is null) = (waiting_event is null))
);

-- The findings of each attempt, until the verification is finished. Then they are in its record, and only those that explain the tenant's
-- status stay, for lists.
create table verification_checks (
    verification_id uuid not null,
    attempt int not null,
    name text not null,
    event int not null,
    status text not null check (status in ('passed', 'failed', 'warning', 'skipped', 'inconclusive')),
    required boolean not null,
    -- Who has to act before the check can pass.
    side text check (side in ('customer', 'vendor', 'aws')),
    summary text not null,
    detail text,
    operation text,
    code text,
    http_status int,
    request_id text,
    duration_ms bigint,
    skipped_because text,
    -- Not jsonb: people paste it, so members keep their order.
    fix json,
    -- It failed because the version has lost its isolation or its ownership.
    is_breach boolean not null default false,
    constraint verification_checks_breach_failed check (not is_breach or status = 'failed'),
    primary key (verification_id, attempt, name)
);
