-- Sessions of the dashboard. Of a session's secret only the SHA-256 is here, and it is as good as the token it began with.
create table sessions (
    id uuid primary key,
    token_id uuid not null references tokens (id),
    hash bytea not null check (octet_length(hash) = 32),
    created_at timestamptz not null,
    last_used_at timestamptz not null,
    -- However much it is used.
    expires_at timestamptz not null check (expires_at > created_at),
    constraint sessions_hash_key unique (hash)
);

create index sessions_expired on sessions (expires_at);

-- Since when a tenant has the status that it has: for who is stuck, the longest first.
alter table tenants add column status_since timestamptz not null default now();

update tenants t set status_since = coalesce(case t.status
    when 'offboarded' then t.offboarded_at
    when 'suspended' then t.suspended_at
    when 'active' then (select a.activated_at from active_configs a where a.tenant_id = t.id)
    when 'verifying' then (select max(v.created_at) from verifications v where v.tenant_id = t.id)
    when 'invited' then t.created_at
    else (select max(v.finished_at) from verifications v where v.tenant_id = t.id)
end, t.created_at);

create function tenant_status_changed() returns trigger language plpgsql as $$
begin
    new.status_since := clock_timestamp();
    return new;
end
$$;

create trigger tenants_status_since before update of status on tenants
    for each row when (old.status is distinct from new.status) execute function tenant_status_changed();

create index tenants_waiting on tenants (status, status_since, id);
