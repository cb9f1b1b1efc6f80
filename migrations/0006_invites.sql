-- Links to the customer's form.
create table invites (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    -- Whether the link may also change storage that is in use.
    purpose text not null check (purpose in ('onboarding', 'change')),
    -- SHA-256 of the link's token, which is not stored itself.
    hash bytea not null check (octet_length(hash) = 32),
    created_at timestamptz not null,
    expires_at timestamptz not null check (expires_at > created_at),
    last_used_at timestamptz,
    revoked_at timestamptz,
    constraint invites_hash_key unique (hash)
);

create index invites_by_tenant on invites (tenant_id, created_at desc, id desc);

-- Browsers that opened a link, and API tokens. Each has a session of its own, which lasts as long as the invite unless it is ended.
create table invite_sessions (
    id uuid primary key,
    invite_id uuid not null references invites (id),
    kind text not null check (kind in ('browser', 'api_token')),
    -- SHA-256 of the browser's cookie, or of the token.
    hash bytea not null check (octet_length(hash) = 32),
    -- The address that opened the link or created the token in the form, until the tenant's personal data is erased.
    address text,
    created_at timestamptz not null,
    last_used_at timestamptz not null,
    ended_at timestamptz,
    constraint invite_sessions_hash_key unique (hash)
);

create index invite_sessions_by_invite on invite_sessions (invite_id, kind, last_used_at desc);
