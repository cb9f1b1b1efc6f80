-- The versions of the documents that customers apply. A process that issues documents that are not here adds them.
create table document_versions (
    number int primary key check (number >= 1),
    -- SHA-256 of the documents, with placeholders for a tenant's own values.
    fingerprint text not null,
    documents jsonb not null,
    -- For each mode and access, the first number in a row with the same documents.
    assume_role_since int not null check (assume_role_since between 1 and number),
    assume_role_read_since int not null check (assume_role_read_since between 1 and number),
    direct_since int not null check (direct_since between 1 and number),
    direct_read_since int not null check (direct_read_since between 1 and number),
    first_seen_at timestamptz not null
);

create index document_versions_by_fingerprint on document_versions (fingerprint, number);

-- Which documents each submitted version has: those that were issued, and the highest ones that it was verified against.
create table config_documents (
    config_id uuid primary key,
    tenant_id uuid not null,
    -- Null if it was submitted before versions were recorded.
    issued int,
    verified int,
    verified_at timestamptz,
    constraint config_documents_config_of_tenant foreign key (config_id, tenant_id) references storage_configs (id, tenant_id),
    constraint config_documents_verified check ((verified is null) = (verified_at is null))
);

-- Campaigns for an update of the documents.
create table campaigns (
    id uuid primary key,
    document_version int not null references document_versions (number),
    -- Of all tenants: see TenantFilter.
    filter jsonb not null,
    message text not null check (length(message) between 1 and 500),
    deadline date,
    created_at timestamptz not null,
    -- Tenants are enrolled in batches, in the order of their IDs. The last one so far, and when all were enrolled.
    enrolled_to uuid,
    enrolled_at timestamptz,
    ended_at timestamptz
);

create index campaigns_newest on campaigns (created_at desc, id desc);
create index campaigns_open on campaigns (id) where ended_at is null;

create table campaign_tenants (
    campaign_id uuid not null references campaigns (id),
    tenant_id uuid not null references tenants (id),
    enrolled_at timestamptz not null,
    -- How many times it was notified, and when last.
    notices int not null default 0 check (notices >= 0),
    notified_at timestamptz,
    -- When a link in a notice was opened first.
    opened_at timestamptz,
    -- When it was verified against the version.
    verified_at timestamptz,
    -- When the next notice is due. Null if there is none.
    due_at timestamptz,
    primary key (campaign_id, tenant_id),
    constraint campaign_tenants_notified check ((notices = 0) = (notified_at is null)),
    constraint campaign_tenants_done check (verified_at is null or due_at is null)
);

create index campaign_tenants_due on campaign_tenants (campaign_id, due_at, tenant_id) where due_at is not null;
create index campaign_tenants_list on campaign_tenants (campaign_id, enrolled_at, tenant_id);
create index campaign_tenants_of_tenant on campaign_tenants (tenant_id) where verified_at is null;
