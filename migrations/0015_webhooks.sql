-- The endpoints of the vendor's own services that receive events.
create table webhooks (
    id uuid primary key,
    url text not null check (length(url) <= 2048),
    events text[] not null
        check (cardinality(events) > 0 and events <@ array['tenant.status_changed', 'verification.finished']),
    description text,
    created_at timestamptz not null,
    -- The signing secret is derived from this number, the id, and a key that is in the settings alone.
    generation int not null check (generation >= 1),
    -- By which that key is found among those of the settings. It says nothing of the key.
    key_id text not null,
    -- The secret before it signs too, until then.
    previous_key_id text,
    previous_until timestamptz,
    disabled_at timestamptz,
    -- Its log is removed by and by.
    deleted_at timestamptz,
    constraint webhooks_previous_is_whole check ((previous_key_id is null) = (previous_until is null))
);

-- One message for one webhook, written in the transaction of the change.
create table webhook_deliveries (
    id uuid primary key,
    -- A tenant's messages in the order in which they came about: every change of a tenant holds the tenant's row.
    position bigint generated always as identity,
    webhook_id uuid not null references webhooks (id) on delete cascade,
    -- The same for all webhooks and all attempts.
    message_id uuid not null,
    -- None for a test.
    tenant_id uuid references tenants (id),
    type text not null,
    -- What is sent, to the byte.
    payload text not null,
    state text not null check (state in ('waiting', 'delivered', 'given_up')),
    attempts int not null default 0,
    next_attempt_at timestamptz,
    created_at timestamptz not null,
    ended_at timestamptz,
    constraint webhook_deliveries_end_is_known check ((state = 'waiting') = (ended_at is null))
);

create index webhook_deliveries_newest on webhook_deliveries (webhook_id, created_at desc, id desc);
create index webhook_deliveries_line on webhook_deliveries (webhook_id, tenant_id, position) where state = 'waiting';
create index webhook_deliveries_waiting on webhook_deliveries (webhook_id, created_at) where state = 'waiting';
create index webhook_deliveries_ended on webhook_deliveries (ended_at) where state <> 'waiting';

-- Written before a message is sent, completed after it: one without an outcome was interrupted.
create table webhook_attempts (
    delivery_id uuid not null references webhook_deliveries (id) on delete cascade,
    attempt int not null,
    started_at timestamptz not null,
    duration_ms int,
    -- The answer's.
    status int,
    failure text,
    primary key (delivery_id, attempt)
);

-- The queue of one webhook and one tenant: the oldest message first, the next once that is delivered or has failed permanently.
create table webhook_lines (
    webhook_id uuid not null references webhooks (id) on delete cascade,
    tenant_id uuid not null references tenants (id),
    -- From when on the oldest message may be sent. While it is being sent, this is so far ahead that nobody else does; if the
    -- sender is lost, another one does then. Null when nothing waits.
    due_at timestamptz,
    primary key (webhook_id, tenant_id)
);

create index webhook_lines_due on webhook_lines (webhook_id, due_at) where due_at is not null;

-- Where the personal data of a tenant that has ended is erased, it is in messages too.
create function erase_messages() returns trigger language plpgsql as $$
begin
    update webhook_deliveries set payload = without_personal_data(payload::jsonb)::text where tenant_id = new.id;
    return null;
end
$$;

create trigger tenants_erased after update on tenants
    for each row when (old.erased_at is null and new.erased_at is not null) execute function erase_messages();

create index webhook_deliveries_of_tenant on webhook_deliveries (tenant_id);
