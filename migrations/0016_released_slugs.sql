-- Slugs of offboarded tenants, which stay reserved for a while. The slug itself is not stored, because the tenant's personal data can be
-- erased in the meantime.
create table released_slugs (
    -- SHA-256 of the slug.
    hash bytea primary key check (octet_length(hash) = 32),
    released_at timestamptz not null
);
