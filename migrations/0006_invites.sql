-- Links to the customer's form. Neither the link's token nor the cookie that it is traded for is here, only SHA-256 of each.
create table invites (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    hash bytea not null check (octet_length(hash) = 32),
    session_hash bytea not null check (octet_length(session_hash) = 32),
    created_at timestamptz not null,
    expires_at timestamptz not null check (expires_at > created_at),
    last_used_at timestamptz,
    revoked_at timestamptz,
    constraint invites_hash_key unique (hash),
    constraint invites_session_hash_key unique (session_hash)
);

create index invites_of_tenant on invites (tenant_id, created_at desc, id desc);
