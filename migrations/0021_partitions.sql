-- Tables with history are partitioned by the time that is in their IDs, which are UUIDs of version 7: by month, and the audit log by year.
-- What has an ID of another time is in the partition _other, so that no write can fail for lack of a partition. Old partitions are dropped.
-- Rows of them that are still needed are moved to the partition _kept, which begins with the lowest ID.

-- How long the audit log is kept. Only the owner can change it: the service's role cannot shorten the log.
create table audit_retention (
    only_row boolean primary key default true check (only_row),
    -- Null forever.
    keep interval check (keep >= interval '365 days')
);
insert into audit_retention default values;

-- The last event of the audit log that was dropped. The event after it continues its hash.
create table audit_anchor (
    only_row boolean primary key default true check (only_row),
    position bigint not null check (position > 0),
    hash bytea not null,
    -- When the event was recorded.
    at timestamptz not null
);

-- The lowest ID of this time.
create function first_id(at timestamptz) returns uuid language sql stable as $$
    select (lpad(to_hex(greatest(extract(epoch from at) * 1000, 0)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- The column that a table is partitioned by.
create function partition_key(parent text) returns text language sql stable as $$
    select a.attname::text
    from pg_partitioned_table p join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
    where p.partrelid = format('public.%I', parent)::regclass
$$;

-- The partitions that have only IDs below a bound: all except _other.
create function partitions_of(parent text) returns table (name text, bound uuid, is_kept boolean) language sql stable as $$
    select c.relname::text, b.bound, c.relname like '%\_kept\_%'
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    cross join lateral (select substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''([0-9a-f-]+)''\)')::uuid as bound) b
    where i.inhparent = format('public.%I', parent)::regclass and b.bound is not null
$$;

-- A table that can become a partition: with the same columns, constraints and indexes, and without the data.
create function create_detached(parent text, name text) returns void language plpgsql as $$
begin
    execute format('create table partitions.%I (like public.%I including all excluding identity)', name, parent);
    if parent = 'audit_events' then
        execute format('create trigger forbid_truncate before truncate on partitions.%I for each statement execute function forbid_change()', name);
    end if;
end
$$;
create trigger forbid_truncate before truncate on partitions.audit_events_other for each statement execute function forbid_change();

-- Adds a partition, if it is missing. False if _other has rows of its time: they stay there until their time is dropped.
create function add_partition(parent text, suffix text, since timestamptz, until timestamptz) returns boolean language plpgsql as $$
declare
    name text := format('%s_%s', parent, suffix);
    is_taken boolean;
begin
    if to_regclass(format('partitions.%I', name)) is not null then
        return true;
    end if;
    execute format('select exists (select from partitions.%I where %I >= $1 and %2$I < $2)', parent || '_other', partition_key(parent))
        into is_taken using first_id(since), first_id(until);
    if is_taken then
        return false;
    end if;
    perform create_detached(parent, name);
    execute format('alter table public.%I attach partition partitions.%I for values from (%L) to (%L)', parent, name, first_id(since), first_id(until));
    return true;
end
$$;

-- Adds the partitions of this month and the next, and of this year and the next. Returns the tables that lack one because _other has rows of
-- its time. Runs with the rights of the owner, as do the functions below that the service calls. They wait only briefly for locks, because
-- others wait behind them.
create function add_partitions() returns text[] language plpgsql security definer
set search_path = public, pg_temp set lock_timeout = '300ms' set timezone = 'UTC' as $$
declare
    parent text;
    span interval;
    since timestamptz;
    lacking text[] := '{}';
begin
    foreach parent in array array['verifications', 'drifts', 'webhook_deliveries', 'webhook_attempts', 'audit_events'] loop
        span := case parent when 'audit_events' then interval '1 year' else interval '1 month' end;
        since := date_trunc(case parent when 'audit_events' then 'year' else 'month' end, clock_timestamp());
        for step in 0 .. 1 loop
            if not add_partition(
                parent, to_char(since, case parent when 'audit_events' then 'YYYY' else 'YYYY_MM' end), since, since + span
            ) then
                lacking := lacking || parent;
            end if;
            since := since + span;
        end loop;
    end loop;
    return lacking;
end
$$;

-- The end of what can be dropped of these tables: the highest bound of a partition up to this time, or null if there is none.
create function droppable_until(parents text[], before timestamptz) returns uuid language sql stable as $$
    select p.bound from unnest(parents) parent cross join partitions_of(parent) p where not p.is_kept and p.bound <= first_id(before)
    order by p.bound desc limit 1
$$;

-- Copies the rows below this ID that are still needed into a new table _kept, whose name it returns. `needed` is a condition on the row x.
-- Until the end of the transaction, nobody can change the old partitions. They can be read, and newer ones are not locked. A change whose
-- partition follows from the data, and not from the statement, waits, too.
create function copy_needed(parent text, until uuid, needed text) returns text language plpgsql as $$
declare
    name text := format('%s_kept_%s', parent, left(replace(until::text, '-', ''), 12));
    key text := partition_key(parent);
    columns text;
    source text;
    has_others boolean;
begin
    select string_agg(quote_ident(attname), ', ' order by attnum) into columns
    from pg_attribute where attrelid = format('public.%I', parent)::regclass and attnum > 0 and not attisdropped and attgenerated = '';
    perform create_detached(parent, name);
    execute format('alter table partitions.%I add constraint below_bound check (%I < %L)', name, key, until);
    for source in select p.name from partitions_of(parent) p where p.bound <= until loop
        execute format('lock table partitions.%I in share mode', source);
        execute format('insert into partitions.%I (%s) select %2$s from partitions.%I x where %s', name, columns, source, needed);
    end loop;
    execute format('select exists (select from partitions.%I where %I < $1)', parent || '_other', key) into has_others using until;
    if has_others then
        execute format('alter table partitions.%I disable trigger user', parent || '_other');
        execute format(
            'with x as (delete from partitions.%I where %I < $1 returning *) insert into partitions.%I (%s) select %4$s from x where %s',
            parent || '_other', key, name, columns, needed
        ) using until;
        execute format('alter table partitions.%I enable trigger user', parent || '_other');
    end if;
    execute format('analyze partitions.%I', name);
    return name;
end
$$;

-- Replaces the partitions of these tables below this ID by the ones with their rows that are needed. Returns how many were dropped.
create function replace_partitions(parents text[], until uuid, kept text[]) returns int language plpgsql as $$
declare
    fk record;
    old record;
    has_rows boolean;
    dropped int := 0;
begin
    -- Foreign keys are checked before the tables are locked. Until the end of the transaction, nobody can change the tables that they refer
    -- to, so this comes after all copies.
    for fk in
        select k.name, c.conname, pg_get_constraintdef(c.oid) as definition
        from unnest(parents, kept) k (parent, name)
        join pg_constraint c on c.conrelid = format('public.%I', k.parent)::regclass and c.contype = 'f' and c.conparentid = 0
    loop
        execute format('alter table partitions.%I add constraint %I %s', fk.name, fk.conname, fk.definition);
    end loop;
    for n in 1 .. cardinality(parents) loop
        for old in select * from partitions_of(parents[n]) p where p.bound <= until loop
            execute format('alter table public.%I detach partition partitions.%I', parents[n], old.name);
            execute format('drop table partitions.%I', old.name);
            dropped := dropped + case when old.is_kept then 0 else 1 end;
        end loop;
        execute format('select exists (select from partitions.%I)', kept[n]) into has_rows;
        if has_rows then
            execute format('alter table public.%I attach partition partitions.%I for values from (minvalue) to (%L)', parents[n], kept[n], until);
            execute format('alter table partitions.%I drop constraint below_bound', kept[n]);
        else
            execute format('drop table partitions.%I', kept[n]);
        end if;
    end loop;
    return dropped;
end
$$;

-- Drops the partitions of verifications that are older than this, and of what belongs to them. Returns how many.
create function drop_verifications(older_than interval) returns int language plpgsql security definer
set search_path = public, pg_temp set lock_timeout = '300ms' as $$
declare
    parents text[] := array['verifications', 'drifts'];
    until uuid := droppable_until(parents, clock_timestamp() - greatest(older_than, interval '1 day'));
    kept text[];
    working text;
begin
    if until is null then
        return 0;
    end if;
    -- What is shown of a version, and what the status of its tenant follows from: see active_versions and tenant_overview.
    kept := array[copy_needed('verifications', until, $condition$
        x.state <> 'finished'
        or cardinality(x.probe_objects) > 0
        or exists (select from approvals a where a.verification_id = x.id)
        or not exists (select from verifications v where v.tenant_id = x.tenant_id and v.config_id = x.config_id and (v.created_at, v.id) > (x.created_at, x.id))
        or x.verdict <> 'superseded' and x.trigger <> 'rotation' and not exists (
            select from verifications v
            where v.tenant_id = x.tenant_id and v.config_id = x.config_id and v.state = 'finished' and v.verdict <> 'superseded' and v.trigger <> 'rotation'
                and (v.created_at, v.id) > (x.created_at, x.id)
        )
        or x.verdict in ('verified', 'rejected') and x.trigger <> 'rotation' and not exists (
            select from verifications v
            where v.tenant_id = x.tenant_id and v.config_id = x.config_id and v.verdict in ('verified', 'rejected') and v.trigger <> 'rotation'
                and (v.finished_at, v.id) > (x.finished_at, x.id)
        )
        or x.verdict = 'verified' and not exists (
            select from verifications v
            where v.tenant_id = x.tenant_id and v.config_id = x.config_id and v.verdict = 'verified' and (v.finished_at, v.id) > (x.finished_at, x.id)
        )
        or x.verdict = 'rejected' and exists (
            select from active_configs a where a.tenant_id = x.tenant_id and a.config_id = x.config_id and x.finished_at > a.verified_at
        )
    $condition$)];
    kept := kept || copy_needed('drifts', until, 'false');
    foreach working in array array['verification_attempts', 'verification_checks'] loop
        execute format(
            'delete from %I w where w.verification_id < $1 and not exists (select from partitions.%I v where v.id = w.verification_id)',
            working, kept[1]
        ) using until;
    end loop;
    return replace_partitions(parents, until, kept);
end
$$;

-- Drops the partitions of messages to webhooks that are older than this, except messages that wait. Returns how many.
create function drop_deliveries(older_than interval) returns int language plpgsql security definer
set search_path = public, pg_temp set lock_timeout = '300ms' as $$
declare
    parents text[] := array['webhook_deliveries', 'webhook_attempts'];
    until uuid := droppable_until(parents, clock_timestamp() - greatest(older_than, interval '1 day'));
    kept text[];
begin
    if until is null then
        return 0;
    end if;
    kept := array[copy_needed('webhook_deliveries', until, $condition$x.state = 'waiting'$condition$)];
    kept := kept || copy_needed('webhook_attempts', until, format('exists (select from partitions.%I d where d.id = x.delivery_id)', kept[1]));
    return replace_partitions(parents, until, kept);
end
$$;

-- Drops the partitions of the audit log that are older than what its owner keeps. The log then begins after the anchor. Returns how many.
create function drop_audit_events() returns int language plpgsql security definer
set search_path = public, pg_temp set lock_timeout = '300ms' as $$
declare
    keep interval := (select r.keep from audit_retention r);
    until uuid := droppable_until(array['audit_events'], clock_timestamp() - keep);
    anchor audit_events;
    kept text;
begin
    if keep is null or until is null then
        return 0;
    end if;
    -- Entries are numbered when they are committed. Those after the first one of a later year are kept, even if their IDs are of an earlier year.
    select * into anchor from audit_events e
    where e.position = coalesce(
        (select min(l.position) from audit_events l where l.id >= until) - 1,
        (select c.audit_events from change_counters c)
    );
    -- A log with a gap there is left as it is.
    if anchor.hash is null or anchor.id >= until then
        return 0;
    end if;
    kept := copy_needed('audit_events', until, format('x.position is null or x.position > %s', anchor.position));
    insert into audit_dropped_ends (tenant_id, action)
        select e.tenant_id, e.action from audit_events e
        where e.action in ('tenant.offboarded', 'tenant.erased') and e.tenant_id is not null and e.position <= anchor.position
        on conflict do nothing;
    insert into audit_anchor (position, hash, at) values (anchor.position, anchor.hash, anchor.at)
        on conflict (only_row) do update set position = excluded.position, hash = excluded.hash, at = excluded.at;
    return replace_partitions(array['audit_events'], until, array[kept]);
end
$$;

select add_partitions();
