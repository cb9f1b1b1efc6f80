-- Endpoints of the vendor's own services that receive events.
create table webhooks (
    id uuid primary key,
    url text not null check (length(url) <= 2048),
    events text[] not null
        check (cardinality(events) > 0 and events <@ array[
            'tenant.status_changed', 'tenant.drifted', 'verification.finished', 'storage_config.approval_requested', 'storage_config.activated'
        ]),
    description text,
    created_at timestamptz not null,
    -- The signing secret is derived from the id, this number, and a key of the settings, which is not stored.
    generation int not null check (generation >= 1),
    -- Identifies the key among those of the settings. It reveals nothing about the key.
    key_id text not null,
    -- Until then, messages are also signed with the previous secret.
    previous_key_id text,
    previous_until timestamptz,
    disabled_at timestamptz,
    -- Deleted webhooks are kept until their deliveries are removed.
    deleted_at timestamptz,
    constraint webhooks_previous_key_is_complete check ((previous_key_id is null) = (previous_until is null))
);

-- One message to one webhook, written in the transaction of the change (transactional outbox).
create table webhook_deliveries (
    id uuid primary key,
    -- The order of a tenant's messages. Every change of a tenant locks the tenant's row, so this is also the commit order.
    position bigint generated always as identity,
    webhook_id uuid not null references webhooks (id) on delete cascade,
    -- The same for all webhooks and all attempts.
    message_id uuid not null,
    -- Null for test messages.
    tenant_id uuid references tenants (id),
    type text not null,
    -- The exact request body, because it is signed.
    payload text not null,
    state text not null check (state in ('waiting', 'delivered', 'given_up')),
    attempts int not null default 0,
    next_attempt_at timestamptz,
    created_at timestamptz not null,
    ended_at timestamptz,
    constraint webhook_deliveries_end_fits_state check ((state = 'waiting') = (ended_at is null))
) partition by range (id);
create table partitions.webhook_deliveries_other partition of webhook_deliveries default;

create index webhook_deliveries_newest on webhook_deliveries (webhook_id, created_at desc, id desc);
create index webhook_deliveries_by_tenant on webhook_deliveries (tenant_id);
create index webhook_deliveries_queue on webhook_deliveries (webhook_id, tenant_id, position) where state = 'waiting';
create index webhook_deliveries_waiting on webhook_deliveries (webhook_id, created_at) where state = 'waiting';

-- Inserted before a message is sent, completed afterwards. An attempt without an outcome was interrupted. There is no foreign key: partitions
-- of the deliveries could only be dropped after looking for the attempts at each of them, while nobody can read.
create table webhook_attempts (
    delivery_id uuid not null,
    attempt int not null,
    started_at timestamptz not null,
    duration_ms int,
    -- The response's HTTP status.
    status int,
    failure text,
    primary key (delivery_id, attempt)
) partition by range (delivery_id);
create table partitions.webhook_attempts_other partition of webhook_attempts default;

-- One FIFO queue per webhook and tenant: a message is sent when the one before it was delivered or given up.
create table webhook_queues (
    webhook_id uuid not null references webhooks (id) on delete cascade,
    tenant_id uuid not null references tenants (id),
    -- When the oldest message can be sent. A sender that claims the queue moves it into the future, so that another sender takes
    -- over if the first one crashes. Null if the queue is empty.
    due_at timestamptz,
    primary key (webhook_id, tenant_id)
);

create index webhook_queues_due on webhook_queues (webhook_id, due_at) where due_at is not null;
