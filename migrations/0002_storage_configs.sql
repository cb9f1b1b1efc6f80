-- Every submitted version.
create table storage_configs (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    version int not null check (version >= 1),
    mode text not null check (mode in ('direct', 'assume_role')),
    bucket_arn text not null,
    bucket_account_id text not null check (bucket_account_id ~ '^[0-9]{12}$'),
    region text not null,
    key_arn text not null,
    role_arn text,
    -- Of the keys of all objects. Empty: the whole bucket.
    prefix text not null default '' check (prefix = '' or prefix like '%/'),
    access text not null default 'read_write' check (access in ('read_write', 'read')),
    sample_object text,
    created_at timestamptz not null,
    constraint storage_configs_version_key unique (tenant_id, version),
    -- For foreign keys that make sure that a version belongs to the tenant.
    constraint storage_configs_tenant_key unique (id, tenant_id),
    constraint storage_configs_role_fits_mode check ((mode = 'assume_role') = (role_arn is not null))
);

create function forbid_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;

create trigger storage_configs_are_immutable before update or delete on storage_configs
    for each row execute function forbid_change();

-- The keys of a location: those that start with it. They have ASCII characters only, of which DEL is the last.
create type text_range as range (subtype = text, collation = "C");

create function keys_at(location text) returns text_range language sql immutable parallel safe
    return text_range(location collate "C", (location || chr(127)) collate "C");

-- The version that internal services get: at most one per tenant. No two tenants can share a role, or a bucket unless their prefixes
-- are apart.
create table active_configs (
    tenant_id uuid primary key references tenants (id),
    config_id uuid not null,
    -- The ARN of the bucket, a slash, and the prefix.
    location text not null check (location like '%/'),
    role_arn text,
    activated_at timestamptz not null,
    verified_at timestamptz not null,
    constraint active_configs_no_overlap exclude using gist (keys_at(location) with &&),
    constraint active_configs_config_of_tenant foreign key (config_id, tenant_id) references storage_configs (id, tenant_id)
);

-- IAM does not distinguish upper and lower case in the names of roles, so two spellings are one role.
create unique index active_configs_role_key on active_configs (lower(role_arn));
