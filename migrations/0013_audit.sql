-- Additions to the audit log: the client's address, and the state of the subject before and after.
alter table audit_events
    -- Of the client.
    add column address text,
    add column before jsonb,
    add column after jsonb,
    -- In the order in which the changes were committed: given by a trigger at that moment.
    add column position bigint,
    -- Who it was, without their name.
    add column actor_id text generated always as ((actor ->> 'kind') || coalesce(':' || coalesce(actor ->> 'id', actor ->> 'subject'), '')) stored;

drop trigger audit_events_are_append_only on audit_events;

update audit_events e set position = p.position
from (select id, row_number() over (order by id) as position from audit_events) p where p.id = e.id;

create unique index audit_events_position_key on audit_events (position);
drop index audit_events_of_tenant;
create index audit_events_of_tenant on audit_events (tenant_id, position);
create index audit_events_of_action on audit_events (action, position);
create index audit_events_of_actor on audit_events (actor_id, position);

-- The head that numbers the change feed numbers the audit log too, for the same reason: a reader that has read up to a number has
-- read all below it. One row for both, so that no two commits can wait for each other.
alter table feed_heads add column audit bigint not null default 0;
update feed_heads set audit = (select count(*) from audit_events);

create function audit_event_committed() returns trigger language plpgsql as $$
declare
    next bigint;
begin
    update feed_heads set audit = feed_heads.audit + 1 returning feed_heads.audit into next;
    update audit_events set position = next where id = new.id;
    return null;
end
$$;

create constraint trigger audit_events_feed after insert on audit_events
    deferrable initially deferred for each row execute function audit_event_committed();

-- Personal data can be erased once a tenant has ended: these members, wherever they are, become a marker.
create function without_personal_data(value jsonb) returns jsonb language plpgsql immutable as $$
begin
    case jsonb_typeof(value)
    when 'object' then
        return (
            select coalesce(jsonb_object_agg(member.key, case
                when jsonb_typeof(member.value) = 'null' then member.value
                when member.key in ('name', 'slug', 'reference', 'reason') then '"erased"'::jsonb
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

alter table tenants add column erased_at timestamptz,
    add constraint tenants_erased_after_the_end check (erased_at is null or offboarded_at is not null);

-- Nothing of an entry ever changes but its place, once, and what is erased of an offboarded tenant, to exactly that.
create function guard_audit_event() returns trigger language plpgsql as $$
declare
    allowed audit_events := old;
begin
    if tg_op = 'UPDATE' then
        -- Computed after this, from a member that never changes.
        allowed.actor_id := new.actor_id;
        if old.position is null then
            allowed.position := new.position;
        elsif exists (select from tenants where id = old.tenant_id and erased_at is not null) then
            allowed.actor := without_personal_data(old.actor);
            allowed.before := without_personal_data(old.before);
            allowed.after := without_personal_data(old.after);
            allowed.detail := without_personal_data(old.detail);
            allowed.address := case when old.address is null then null else 'erased' end;
        end if;
        if new is not distinct from allowed and new is distinct from old then
            return new;
        end if;
    end if;
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;

create trigger audit_events_are_append_only before update or delete on audit_events
    for each row execute function guard_audit_event();
create trigger audit_events_are_never_emptied before truncate on audit_events
    for each statement execute function forbid_change();

-- Erases the personal data of a tenant that has ended. Who did what and when stays, by ids.
create function erase_tenant(tenant uuid, at timestamptz) returns void language plpgsql as $$
begin
    update tenants set
        name = 'erased',
        slug = 'erased',
        reference = case when reference is null then null else 'erased' end,
        erased_at = at
    where id = tenant;
    -- Those with nothing to erase, of the system for instance, are left as they are.
    update audit_events e set
        actor = without_personal_data(e.actor),
        before = without_personal_data(e.before),
        after = without_personal_data(e.after),
        detail = without_personal_data(e.detail),
        address = case when e.address is null then null else 'erased' end
    where e.tenant_id = tenant and (
        e.address is not null
        or (e.actor, e.detail) is distinct from (without_personal_data(e.actor), without_personal_data(e.detail))
        or (e.before, e.after) is distinct from (without_personal_data(e.before), without_personal_data(e.after))
    );
    -- Answers that are kept to be given again may show names. Without them, a repeat is refused.
    update idempotency_keys set status = null, headers = null, body = null
    where event_id in (select id from audit_events where tenant_id = tenant);
end
$$;

-- As before, and for slugs that are erased.
drop trigger tenants_feed on tenants;
create constraint trigger tenants_feed after update on tenants
    deferrable initially deferred for each row
    when (old.suspended_at is distinct from new.suspended_at
        or old.offboarded_at is distinct from new.offboarded_at
        or old.external_id is distinct from new.external_id
        or old.slug is distinct from new.slug)
    execute function tenant_changed();
