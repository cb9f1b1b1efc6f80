-- Sessions of the dashboard. A session is valid only as long as the token that it was created with.
create table sessions (
    id uuid primary key,
    token_id uuid not null references tokens (id),
    -- SHA-256 of the session's secret. The secret itself is not stored.
    hash bytea not null check (octet_length(hash) = 32),
    created_at timestamptz not null,
    last_used_at timestamptz not null,
    -- Absolute: using the session does not extend it.
    expires_at timestamptz not null check (expires_at > created_at),
    constraint sessions_hash_key unique (hash)
);

create index sessions_by_expiry on sessions (expires_at);
