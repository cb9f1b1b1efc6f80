-- One row numbers all changes, in commit order. Each writer updates it as its last action before the commit, and so holds its
-- lock until the commit: the next number is assigned only when everyone can see the change with the previous one. A reader that
-- has seen a number has therefore seen all lower ones. A sequence would not give that: a transaction with a lower number can
-- commit later. A rolled-back transaction returns its number.
--
-- The price is that such transactions commit one after another, at some hundreds or thousands per second. Storage configs change
-- much less often.
create table change_counters (
    only_row boolean primary key default true check (only_row),
    config_changes bigint not null default 0,
    -- Replaced by every change of the tokens: a reader whose mark differs reads all of them again.
    token_mark uuid not null default gen_random_uuid(),
    -- In the same row, so that no two commits can wait for each other.
    audit_events bigint not null default 0,
    -- Of the newest event.
    audit_hash bytea
);
insert into change_counters default values;

-- The change feed: for each tenant, the position of the last change that internal services can see. Earlier changes are in the
-- audit log. The feed has at most one row per tenant, and a read from the beginning returns the current state.
--
-- tenant_id is not a foreign key, because that would lock the tenant's row after the counters, which must be locked last.
create table config_changes (
    tenant_id uuid primary key,
    position bigint not null,
    -- A random value that identifies this change.
    mark uuid not null,
    changed_at timestamptz not null,
    constraint config_changes_position_key unique (position)
);

-- The marks of the most recent changes. After a failover, a restore or a crash that lost commits, the same positions are assigned again,
-- to other changes. A reader continues only if its last position still has the mark that it knows; otherwise it reads everything again.
create table change_marks (
    position bigint primary key,
    mark uuid not null
);

-- Runs with the rights of the owner, like all functions that write what the service itself may not write: see grants.rs.
create function record_config_change(tenant uuid) returns void language plpgsql security definer
set search_path = public, pg_temp as $$
declare
    next bigint;
    mark uuid := gen_random_uuid();
begin
    update change_counters c set config_changes = c.config_changes + 1 returning c.config_changes into next;
    insert into config_changes (tenant_id, position, mark, changed_at) values (tenant, next, mark, clock_timestamp())
        on conflict (tenant_id) do update
            set position = excluded.position, mark = excluded.mark, changed_at = excluded.changed_at;
    insert into change_marks (position, mark) values (next, mark);
    delete from change_marks m where m.position <= next - 100000;
    perform pg_notify('latchkey_changes', '');
end
$$;

create function record_active_config_change() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
    perform record_config_change(coalesce(new.tenant_id, old.tenant_id));
    return null;
end
$$;

create function record_tenant_change() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
    perform record_config_change(new.id);
    return null;
end
$$;

-- From now on, the slug of an offboarded tenant means another tenant.
create function record_slug_reuse() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
    if exists (select from tenants where slug = new.slug and id <> new.id) then
        perform record_config_change(new.id);
    end if;
    return null;
end
$$;

-- A rejection can make the tenant degraded or quarantined.
create function record_rejection() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
    if exists (select from active_configs where tenant_id = new.tenant_id and config_id = new.config_id) then
        perform record_config_change(new.tenant_id);
    end if;
    return null;
end
$$;

create function record_token_change() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
    update change_counters set token_mark = gen_random_uuid();
    perform pg_notify('latchkey_changes', '');
    return null;
end
$$;

-- Deferred triggers run at the commit, so the counters are locked last, and briefly.
create constraint trigger active_configs_record_change after insert or update or delete on active_configs
    deferrable initially deferred for each row execute function record_active_config_change();

create constraint trigger tenants_record_change after update on tenants
    deferrable initially deferred for each row
    when (old.suspended_at is distinct from new.suspended_at
        or old.offboarded_at is distinct from new.offboarded_at
        or old.external_id is distinct from new.external_id
        or old.slug is distinct from new.slug
        or old.sessions_revoked_at is distinct from new.sessions_revoked_at)
    execute function record_tenant_change();

create constraint trigger tenants_record_slug_reuse after insert on tenants
    deferrable initially deferred for each row execute function record_slug_reuse();

create constraint trigger verifications_record_rejection after update on verifications
    deferrable initially deferred for each row
    when (new.verdict = 'rejected' and old.verdict is distinct from new.verdict)
    execute function record_rejection();

create constraint trigger tokens_record_creation after insert or delete on tokens
    deferrable initially deferred for each row execute function record_token_change();

create constraint trigger tokens_record_change after update on tokens
    deferrable initially deferred for each row
    when (old.role <> new.role or old.hash <> new.hash
        or old.expires_at is distinct from new.expires_at
        or old.revoked_at is distinct from new.revoked_at
        or old.tenants is distinct from new.tenants)
    execute function record_token_change();
