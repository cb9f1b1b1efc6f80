-- An index on trigrams finds the beginnings of words.
create extension pg_trgm;

-- Nobody but the owner may execute the functions below, unless they are granted: see grants.rs. Those who may execute a trigger function
-- can attach it to a table of their own, where it would run with the owner's rights.
alter default privileges revoke execute on functions from public;

-- Each failing check, alone and together with the status. Postgres would assume that the two are independent, and scan all tenants
-- for a combination that none of them has.
create function failing_terms(failing_checks text[], status text) returns text[] language sql immutable as $$
    select array_agg(term)
    from unnest(failing_checks) name cross join lateral (values (name), (name || '/' || status)) terms (term)
$$;

create table tenants (
    id uuid primary key,
    slug text not null check (slug ~ '^[a-z0-9-]{2,63}$'),
    name text not null check (name <> ''),
    -- The vendor's own name for the tenant, such as an account number.
    reference text,
    modes text[] not null check (cardinality(modes) > 0 and modes <@ array['direct', 'assume_role']),

    -- The external ID in use, and its rotation: the next one is issued first. Once it is verified, it is in use, and the
    -- previous one is accepted until it is retired.
    external_id text not null check (external_id ~ '^[A-Za-z0-9-]{8,128}$'),
    next_external_id text check (next_external_id ~ '^[A-Za-z0-9-]{8,128}$'),
    previous_external_id text check (previous_external_id ~ '^[A-Za-z0-9-]{8,128}$'),
    previous_retired_at timestamptz,

    created_at timestamptz not null,
    suspended_at timestamptz,
    offboarded_at timestamptz,
    -- AWS sessions that were made before are no longer handed out: policies may deny them.
    sessions_revoked_at timestamptz,
    -- When personal data was erased.
    erased_at timestamptz,

    -- Copies of what the code derives, for lists: see TenantFacts::status and refresh_overview. Each transaction that changes
    -- the facts updates them.
    status text not null default 'invited'
        check (status in ('invited', 'verifying', 'blocked_by_vendor', 'action_required', 'active', 'degraded', 'quarantined', 'suspended', 'offboarded')),
    status_since timestamptz not null default now(),
    failing_checks text[] not null default '{}',
    failing_terms text[] generated always as (failing_terms(failing_checks, status)) stored,
    -- The words of the names, each after a space: a search finds the beginnings of words.
    search_text text not null generated always as (
        lower(regexp_replace(' ' || slug || ' ' || name || ' ' || coalesce(reference, ''), '[^[:alnum:]]+', ' ', 'g'))
    ) stored,

    constraint tenants_one_rotation check (next_external_id is null or previous_external_id is null),
    constraint tenants_retired_has_previous check (previous_retired_at is null or previous_external_id is not null),
    constraint tenants_erased_after_offboarding check (erased_at is null or offboarded_at is not null)
);

-- The slug of an offboarded tenant can be used again. Its external ID cannot.
create unique index tenants_slug_key on tenants (slug) where offboarded_at is null;
create unique index tenants_external_id_key on tenants (external_id);
create unique index tenants_next_external_id_key on tenants (next_external_id);

-- Offboarded tenants can be found by slug, too.
create index tenants_by_slug on tenants (slug);
create index tenants_newest on tenants (created_at desc, id desc);
create index tenants_newest_by_status on tenants (status, created_at desc, id desc);
create index tenants_newest_direct on tenants (created_at desc, id desc) where 'direct' = any (modes);
create index tenants_newest_assume_role on tenants (created_at desc, id desc) where 'assume_role' = any (modes);
create index tenants_search on tenants using gin (search_text gin_trgm_ops) with (fastupdate = off);
create index tenants_failing on tenants using gin (failing_terms) with (fastupdate = off);
create index tenants_by_status_since on tenants (status, status_since, id);
-- Counts failing checks without reading the tenants that have none.
create index tenants_by_failing_checks on tenants (failing_checks) where failing_checks <> '{}' and status <> 'offboarded';

create function set_status_since() returns trigger language plpgsql as $$
begin
    new.status_since := clock_timestamp();
    return new;
end
$$;

create trigger tenants_status_since before update of status on tenants
    for each row when (old.status is distinct from new.status) execute function set_status_since();
