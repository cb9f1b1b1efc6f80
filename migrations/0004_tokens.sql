create table tokens (
    id uuid primary key,
    name text not null check (name <> ''),
    role text not null check (role in ('viewer', 'ops', 'service', 'admin')),
    -- The tenants that the token is limited to. Null means all of them.
    tenants uuid[] check (cardinality(tenants) > 0),
    -- SHA-256 of the token. The token itself is not stored.
    hash bytea not null check (octet_length(hash) = 32),
    created_at timestamptz not null,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    constraint tokens_hash_key unique (hash)
);

create index tokens_newest on tokens (created_at desc, id desc);
create index tokens_by_expiry on tokens (expires_at) where revoked_at is null;
