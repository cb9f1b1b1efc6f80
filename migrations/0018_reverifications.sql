-- When storage configs are verified again. There is a row for the active version of each tenant, and for its newest one if that was
-- rejected or has no result.
create table reverifications (
    config_id uuid primary key,
    tenant_id uuid not null,
    standing text not null check (standing in ('verified', 'rejected', 'unanswered')),
    due_at timestamptz not null,
    full_due_at timestamptz not null,
    repeats int not null default 0 check (repeats >= 0),
    -- When the last light and the last full one showed that the version is verified.
    light_at timestamptz,
    full_at timestamptz,
    -- Fencing token, as in verifications.
    lease bigint not null default 0,
    -- Until then, a process verifies it.
    leased_until timestamptz,
    -- Made by a full verification under the customer's key from random bytes, for light ones to decrypt.
    ciphertext bytea,
    plaintext_sha256 bytea,
    -- The key of the probe object of the full one that is in progress, or was interrupted.
    probe_key text,
    -- Keys of probe objects that may still be in the bucket.
    probe_objects text[] not null default '{}',
    -- When it was last brought forward because of a denial.
    reported_at timestamptz,
    -- The checks and documents that it was verified with in full.
    catalogue text not null default '',
    constraint reverifications_config_of_tenant foreign key (config_id, tenant_id) references storage_configs (id, tenant_id),
    constraint reverifications_ciphertext check ((ciphertext is null) = (plaintext_sha256 is null))
);

-- The only index that finding due work needs.
create index reverifications_due on reverifications (due_at);
create index reverifications_of_tenant on reverifications (tenant_id);
-- Lists of tenants whose active version was not verified for longest.
create index reverifications_by_light_at on reverifications (light_at, tenant_id);
create index reverifications_by_full_at on reverifications (full_at, tenant_id);

-- Rows are updated on each re-verification: room for the new version of a row on its page.
alter table reverifications set (fillfactor = 70);

-- Versions that are active already.
insert into reverifications (config_id, tenant_id, standing, due_at, full_due_at, light_at, full_at)
select config_id, tenant_id, 'verified', now() + random() * interval '6 hours', now() + random() * interval '7 days', verified_at, verified_at
from active_configs;

-- How many calls to AWS are made per second, shared by all processes: see ServiceBudget.
create table call_budgets (
    account_id text not null check (account_id ~ '^[0-9]{12}$'),
    service text not null check (service in ('sts', 'kms', 's3')),
    free_at timestamptz not null,
    halvings int not null default 0 check (halvings >= 0),
    throttled_at timestamptz not null default 'epoch',
    -- The calls that were taken in this minute, and in the one before it.
    minute timestamptz not null default 'epoch',
    calls bigint not null default 0,
    calls_before bigint not null default 0,
    primary key (account_id, service)
);
