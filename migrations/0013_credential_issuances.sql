-- Who was handed AWS credentials for a tenant's documents: counted per caller, tenant, access and hour. When the hour is over, the
-- audit log gets one entry for each row. There is no foreign key: it would make an issuance wait for changes of the tenant.
create table credential_issuances (
    tenant_id uuid not null,
    hour timestamptz not null,
    actor_id text not null,
    access text not null check (access in ('read', 'read_write')),
    actor jsonb not null,
    count bigint not null check (count > 0),
    -- How many of them the audit log has.
    audited_count bigint not null default 0,
    first_at timestamptz not null,
    last_at timestamptz not null,
    -- When the last of the sessions expires. AWS accepts credentials until then, whatever happens to the tenant or the token.
    expires_at timestamptz not null,
    primary key (tenant_id, hour, actor_id, access),
    constraint credential_issuances_audited check (audited_count between 0 and count)
);

create index credential_issuances_of_actor on credential_issuances (actor_id, expires_at);
create index credential_issuances_unaudited on credential_issuances (hour) where count > audited_count;
