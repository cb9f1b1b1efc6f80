create table audit_events (
    id uuid primary key,
    -- Commit order. Assigned at the commit.
    position bigint,
    at timestamptz not null,
    actor jsonb not null,
    -- Identifies the actor without a name.
    actor_id text generated always as ((actor ->> 'kind') || coalesce(':' || coalesce(actor ->> 'id', actor ->> 'subject'), '')) stored,
    action text not null,
    tenant_id uuid references tenants (id),
    -- The client's IP address.
    address text,
    request_id text,
    -- The subject's state before and after the change.
    before jsonb,
    after jsonb,
    detail jsonb not null,
    -- Replaced by null when the tenant is erased. Without it, personal data cannot be guessed from its hash.
    personal_salt uuid default gen_random_uuid(),
    -- The hash of the data that can be erased, which stays when the data is erased.
    personal_hash bytea,
    -- The hash of this event and of the previous event's hash. Assigned with the position.
    hash bytea
) partition by range (id);
create table partitions.audit_events_other partition of audit_events default;

-- Unique, although no index says so: see assign_audit_position.
create index audit_events_by_position on audit_events (position);
create index audit_events_by_tenant on audit_events (tenant_id, position);
create index audit_events_by_action on audit_events (action, position);
create index audit_events_by_actor on audit_events (actor_id, position);

-- Replaces personal data by a marker, at any depth.
create function without_personal_data(value jsonb) returns jsonb language plpgsql immutable as $$
begin
    case jsonb_typeof(value)
    when 'object' then
        return (
            select coalesce(jsonb_object_agg(member.key, case
                when jsonb_typeof(member.value) = 'null' then member.value
                when member.key in ('name', 'slug', 'reference', 'reason', 'email') then '"erased"'::jsonb
                else without_personal_data(member.value)
            end), '{}')
            from jsonb_each(value) member
        );
    when 'array' then
        return (
            select coalesce(jsonb_agg(without_personal_data(element.value) order by element.ordinality), '[]')
            from jsonb_array_elements(value) with ordinality element
        );
    else
        return value;
    end case;
end
$$;

create function audit_personal_hash(event audit_events) returns bytea language plpgsql immutable as $$
begin
    return sha256(uuid_send(event.personal_salt) || convert_to(
        jsonb_build_array(event.actor, event.before, event.after, event.detail, event.address)::text, 'UTF8'));
end
$$;

-- Erasure does not change this hash: personal data enters it through personal_hash only.
create function audit_hash(event audit_events, previous bytea) returns bytea language plpgsql immutable as $$
begin
    return sha256(convert_to(jsonb_build_array(
        event.position,
        encode(previous, 'hex'),
        event.id,
        -- Independent of the session's time zone.
        (extract(epoch from event.at) * 1000000)::bigint,
        event.action,
        event.tenant_id,
        event.request_id,
        event.address is not null,
        without_personal_data(event.actor),
        without_personal_data(event.before),
        without_personal_data(event.after),
        without_personal_data(event.detail),
        encode(event.personal_hash, 'hex')
    )::text, 'UTF8'));
end
$$;

-- The ends and the erasures of tenants that the dropped part of the audit log recorded: see 0021_partitions.sql.
create table audit_dropped_ends (
    tenant_id uuid not null,
    action text not null,
    primary key (tenant_id, action)
);

-- New events until the commit, when they get a position. The log then gets each event once and whole: a row that is changed later would
-- leave a dead one, also in each index.
create table audit_queue (like audit_events);
alter table audit_queue add primary key (id);

-- The position is assigned at the commit: see change_counters.
create function assign_audit_position() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
declare
    event audit_events := new;
    previous bytea;
begin
    delete from audit_queue where id = new.id;
    if not found then
        return null;
    end if;
    -- The counters' lock makes this one chain: the previous event is committed, or of this transaction.
    select c.audit_events + 1, c.audit_hash into event.position, previous from change_counters c for update;
    event.personal_salt := coalesce(event.personal_salt, gen_random_uuid());
    event.personal_hash := audit_personal_hash(event);
    event.hash := audit_hash(event, previous);
    update change_counters set audit_events = event.position, audit_hash = event.hash;
    insert into audit_events (id, position, at, actor, action, tenant_id, address, request_id, before, after, detail, personal_salt,
                              personal_hash, hash)
        values (event.id, event.position, event.at, event.actor, event.action, event.tenant_id, event.address, event.request_id, event.before,
                event.after, event.detail, event.personal_salt, event.personal_hash, event.hash);
    return null;
end
$$;

create constraint trigger audit_queue_assign_position after insert on audit_queue
    deferrable initially deferred for each row execute function assign_audit_position();

-- Queues new events, which must not have a position yet, and allows one update of an event: the personal data of an erased tenant is replaced.
create function guard_audit_event() returns trigger language plpgsql as $$
declare
    allowed audit_events := old;
begin
    if tg_op = 'INSERT' then
        if new.position is null and new.hash is null then
            insert into audit_queue (id, at, actor, action, tenant_id, address, request_id, before, after, detail, personal_salt)
                values (new.id, new.at, new.actor, new.action, new.tenant_id, new.address, new.request_id, new.before, new.after, new.detail,
                        new.personal_salt);
            return null;
        end if;
        -- The function above, which has the owner's rights, in its trigger.
        if pg_trigger_depth() > 1 and pg_has_role(current_user, (select relowner from pg_class where oid = 'public.audit_events'::regclass), 'usage')
        then
            return new;
        end if;
    elsif tg_op = 'UPDATE' and exists (select from tenants where id = old.tenant_id and erased_at is not null) then
        -- Generated columns are computed after this trigger.
        allowed.actor_id := new.actor_id;
        allowed.personal_salt := null;
        allowed.actor := without_personal_data(old.actor);
        allowed.before := without_personal_data(old.before);
        allowed.after := without_personal_data(old.after);
        allowed.detail := without_personal_data(old.detail);
        allowed.address := case when old.address is null then null else 'erased' end;
        if new is not distinct from allowed and new is distinct from old then
            return new;
        end if;
    end if;
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;

create trigger audit_events_are_append_only before insert or update or delete on audit_events
    for each row execute function guard_audit_event();
create trigger audit_events_forbid_truncate before truncate on audit_events
    for each statement execute function forbid_change();
