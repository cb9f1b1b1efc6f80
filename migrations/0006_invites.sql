-- Links to the customer's form.
create table invites (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    -- SHA-256 of the link's token, and of the session cookie that the token is exchanged for. Neither is stored itself.
    hash bytea not null check (octet_length(hash) = 32),
    session_hash bytea not null check (octet_length(session_hash) = 32),
    created_at timestamptz not null,
    expires_at timestamptz not null check (expires_at > created_at),
    last_used_at timestamptz,
    revoked_at timestamptz,
    constraint invites_hash_key unique (hash),
    constraint invites_session_hash_key unique (session_hash)
);

create index invites_by_tenant on invites (tenant_id, created_at desc, id desc);
