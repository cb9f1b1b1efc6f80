-- What internal services see of the tenants, in the order in which it came about.
--
-- One row numbers all changes. Every writer updates that row as the last thing before its commit, and so
-- holds its lock until the commit is done: the next number is given only when the one before it can be seen by everyone.
-- A reader that has seen a number has therefore seen all below it, with no window in which a lower one may still
-- appear, as a sequence would leave it. A transaction that is rolled back gives its number back. The price is that such
-- commits happen one after another, some hundreds or thousands a second, which is far more than storage is changed.
create table feed_heads (
    only_row boolean primary key default true check (only_row),
    position bigint not null default 0,
    -- Counts the changes of tokens.
    tokens bigint not null default 0
);
insert into feed_heads default values;

-- Where each tenant's last change stands: what it was before is in the audit log, not here, so that the feed never grows
-- beyond one row a tenant, and reading it from the beginning gives the present state. A foreign key would lock the tenant's
-- row after the head's, which is the last lock that a transaction may take.
create table config_changes (
    tenant_id uuid primary key,
    position bigint not null,
    changed_at timestamptz not null,
    constraint config_changes_position_key unique (position)
);

create function config_changed(tenant uuid) returns void language plpgsql as $$
declare
    next bigint;
begin
    update feed_heads set position = feed_heads.position + 1 returning feed_heads.position into next;
    insert into config_changes (tenant_id, position, changed_at) values (tenant, next, clock_timestamp())
        on conflict (tenant_id) do update set position = excluded.position, changed_at = excluded.changed_at;
    perform pg_notify('latchkey_changes', '');
end
$$;

create function active_config_changed() returns trigger language plpgsql as $$
begin
    perform config_changed(coalesce(new.tenant_id, old.tenant_id));
    return null;
end
$$;

create function tenant_changed() returns trigger language plpgsql as $$
begin
    perform config_changed(new.id);
    return null;
end
$$;

-- A slug that an offboarded tenant had belongs to another one from now on.
create function slug_taken_again() returns trigger language plpgsql as $$
begin
    if exists (select from tenants where slug = new.slug and id <> new.id) then
        perform config_changed(new.id);
    end if;
    return null;
end
$$;

-- A rejection may make an active version a degraded one.
create function active_config_rejected() returns trigger language plpgsql as $$
begin
    if exists (select from active_configs where tenant_id = new.tenant_id and config_id = new.config_id) then
        perform config_changed(new.tenant_id);
    end if;
    return null;
end
$$;

create function tokens_changed() returns trigger language plpgsql as $$
begin
    update feed_heads set tokens = tokens + 1;
    perform pg_notify('latchkey_changes', '');
    return null;
end
$$;

-- Deferred: they run when the transaction commits, so that the head's lock is the last one taken and shortly held.
create constraint trigger active_configs_feed after insert or update or delete on active_configs
    deferrable initially deferred for each row execute function active_config_changed();

create constraint trigger tenants_feed after update on tenants
    deferrable initially deferred for each row
    when (old.suspended_at is distinct from new.suspended_at
        or old.offboarded_at is distinct from new.offboarded_at
        or old.external_id is distinct from new.external_id)
    execute function tenant_changed();

create constraint trigger tenants_slug_feed after insert on tenants
    deferrable initially deferred for each row execute function slug_taken_again();

create constraint trigger verifications_feed after update on verifications
    deferrable initially deferred for each row
    when (new.verdict = 'rejected' and old.verdict is distinct from new.verdict)
    execute function active_config_rejected();

-- Slugs of offboarded tenants are looked up too.
create index tenants_slug on tenants (slug);

-- The tenants that a token is limited to; null is all of them.
alter table tokens add column tenants uuid[] check (cardinality(tenants) > 0);

create constraint trigger tokens_feed_of_changes after update on tokens
    deferrable initially deferred for each row
    when (old.role <> new.role or old.hash <> new.hash
        or old.expires_at is distinct from new.expires_at
        or old.revoked_at is distinct from new.revoked_at
        or old.tenants is distinct from new.tenants)
    execute function tokens_changed();

create constraint trigger tokens_feed after insert or delete on tokens
    deferrable initially deferred for each row execute function tokens_changed();

insert into config_changes (tenant_id, position, changed_at)
select t.id, row_number() over (order by t.id), now() from tenants t
where t.suspended_at is not null or t.offboarded_at is not null or exists (select from active_configs a where a.tenant_id = t.id);

update feed_heads set position = (select count(*) from config_changes);
