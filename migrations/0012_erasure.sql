-- Erases the personal data of an offboarded tenant. Who did what and when is kept, by ID.
create function erase_tenant(tenant uuid, at timestamptz) returns void language plpgsql security definer
set search_path = public, pg_temp as $$
begin
    -- The service can write either of them, but it cannot undo the first, and not remove the second.
    if not exists (select from tenants where id = tenant and offboarded_at is not null) then
        raise exception 'the tenant is not offboarded' using errcode = 'restrict_violation';
    end if;
    if not exists (select from audit_events where tenant_id = tenant and action = 'tenant.offboarded' and position is not null)
        and not exists (select from audit_dropped_ends where tenant_id = tenant and action = 'tenant.offboarded') then
        raise exception 'the audit log has no record that the tenant was offboarded' using errcode = 'restrict_violation';
    end if;
    update tenants set
        name = 'erased',
        slug = 'erased',
        reference = case when reference is null then null else 'erased' end,
        erased_at = at
    where id = tenant;
    -- An update that changes nothing is refused, so events without personal data are skipped.
    update audit_events e set
        personal_salt = null,
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
    -- Stored responses can have names. Without a stored response, a repeated request is refused.
    update idempotency_keys set status = null, headers = null, body = null
    where event_id in (select id from audit_events where tenant_id = tenant);
    update invite_sessions set address = null
    where address is not null and invite_id in (select id from invites where tenant_id = tenant);
    update webhook_deliveries set payload = without_personal_data(payload::jsonb)::text where tenant_id = tenant;
end
$$;

-- The end of a tenant is a fact that cannot be taken back: those who erase a tenant's data cannot make it look as if it had not ended.
create function guard_tenant_end() returns trigger language plpgsql as $$
begin
    if new.offboarded_at is null or (old.erased_at is not null and new.erased_at is null) then
        raise exception 'the end of a tenant is final' using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;

create trigger tenants_end_is_final before update on tenants
    for each row when (old.offboarded_at is not null) execute function guard_tenant_end();
