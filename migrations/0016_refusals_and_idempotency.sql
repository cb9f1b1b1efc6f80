-- Requests that were denied because of the caller's role: counted per caller, operation and hour. The first one of an hour is in the audit
-- log at once. When the hour is over, the log gets one entry for the others of each row.
create table refused_requests (
    hour timestamptz not null,
    actor_id text not null,
    method text not null,
    route text not null,
    actor jsonb not null,
    role text not null,
    count bigint not null check (count > 0),
    -- How many of them the audit log has.
    audited_count bigint not null,
    -- Of those that are not audited on their own.
    first_at timestamptz not null,
    last_at timestamptz not null,
    primary key (hour, actor_id, method, route),
    constraint refused_requests_audited check (audited_count between 0 and count)
);

create index refused_requests_unaudited on refused_requests (hour) where count > audited_count;

alter table idempotency_keys
    -- SHA-256 of who sent the request, whose keys are limited in number. Null in rows of earlier versions.
    add column sender bytea check (octet_length(sender) = 32),
    -- The tenant that the response is about. There is no foreign key: it would make a request wait for changes of the tenant.
    add column tenant_id uuid;

create index idempotency_keys_by_sender on idempotency_keys (sender, expires_at);
create index idempotency_keys_by_tenant on idempotency_keys (tenant_id);

-- Erases the personal data of an offboarded tenant. Who did what and when is kept, by ID.
create or replace function erase_tenant(tenant uuid, at timestamptz) returns void language plpgsql as $$
begin
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
    where tenant_id = tenant or event_id in (select id from audit_events where tenant_id = tenant);
    update webhook_deliveries set payload = without_personal_data(payload::jsonb)::text where tenant_id = tenant;
end
$$;
