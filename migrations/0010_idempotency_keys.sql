-- Requests with an idempotency key, kept for a day. Only hashes of the key and of the request are stored.
create table idempotency_keys (
    -- SHA-256 of the sender and the key.
    key bytea primary key check (octet_length(key) = 32),
    -- SHA-256 of who sent the request, whose keys are limited in number.
    sender bytea not null check (octet_length(sender) = 32),
    -- The tenant that the response is about. There is no foreign key: it would make a request wait for changes of the tenant.
    tenant_id uuid,
    -- SHA-256 of method, path and body.
    request bytea not null check (octet_length(request) = 32),
    -- Fencing token: tells the request that works on the key from one that took it over.
    claim uuid not null,
    claimed_at timestamptz not null,
    -- The process that works on it, as in live_processes. Null if the process could not announce itself.
    process int,
    expires_at timestamptz not null,
    request_id text,
    -- Set in the transaction of the change. After that, the request must not be executed again.
    done_at timestamptz,
    -- The change's entry in the audit log.
    event_id uuid,
    -- Null if the process crashed between the change and the response.
    answered_at timestamptz,
    -- The response. Null if it has a secret that is shown only once.
    status int check (status between 200 and 299),
    headers jsonb,
    body bytea,
    constraint idempotency_keys_response_is_complete check ((status is null) = (headers is null) and (status is null) = (body is null))
);

-- Each process holds an advisory lock on a connection of its own. Postgres releases it as soon as the process is gone.
create view live_processes as
    select objid::bigint::int as process from pg_locks
    -- Two-part keys have objsubid 2. The first part is ProcessLock's namespace.
    where locktype = 'advisory' and objsubid = 2 and classid = 19531 and granted
        and database = (select oid from pg_database where datname = current_database());

create index idempotency_keys_by_expiry on idempotency_keys (expires_at);
create index idempotency_keys_by_sender on idempotency_keys (sender, expires_at);
create index idempotency_keys_by_tenant on idempotency_keys (tenant_id);
