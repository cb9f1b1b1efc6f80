-- Erases the personal data of an offboarded tenant. Who did what and when is kept, by ID.
create function erase_tenant(tenant uuid, at timestamptz) returns void language plpgsql security definer
set search_path = public, pg_temp as $$
begin
    if not exists (select from audit_events where tenant_id = tenant and action = 'tenant.offboarded' and position is not null) then
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
