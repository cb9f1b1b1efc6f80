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
