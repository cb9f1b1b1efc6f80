create table tenants (
    id uuid primary key,
    slug text not null check (slug ~ '^[a-z0-9-]{2,63}$'),
    name text not null check (name <> ''),
    reference text,
    modes text[] not null check (cardinality(modes) > 0 and modes <@ array['direct', 'assume_role']),
    external_id text not null check (external_id ~ '^[A-Za-z0-9-]{8,128}$'),
    created_at timestamptz not null,
    suspended_at timestamptz,
    offboarded_at timestamptz
);

-- An offboarded tenant's slug is free again; its external ID never is.
create unique index tenants_slug_key on tenants (slug) where offboarded_at is null;
create unique index tenants_external_id_key on tenants (external_id);
create index tenants_newest on tenants (created_at desc, id desc);

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
    created_at timestamptz not null,
    constraint storage_configs_version_key unique (tenant_id, version),
    constraint storage_configs_of_tenant_key unique (id, tenant_id),
    constraint storage_configs_role_fits_mode check ((mode = 'assume_role') = (role_arn is not null))
);

create function forbid_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;

create trigger storage_configs_are_immutable before update or delete on storage_configs
    for each row execute function forbid_change();

-- What internal services get: one version of each tenant at most. A bucket or role belongs to one tenant alone.
create table active_configs (
    tenant_id uuid primary key references tenants (id),
    config_id uuid not null,
    bucket_arn text not null,
    role_arn text,
    activated_at timestamptz not null,
    verified_at timestamptz not null,
    constraint active_configs_bucket_key unique (bucket_arn),
    constraint active_configs_role_key unique (role_arn),
    constraint active_configs_config_of_tenant foreign key (config_id, tenant_id) references storage_configs (id, tenant_id)
);
