-- Verified versions that an operator has to approve before they replace the active version. A withdrawn approval is requested again
-- when the version is verified again. A declined one is final.
create table approvals (
    config_id uuid primary key,
    tenant_id uuid not null,
    state text not null check (state in ('pending', 'approved', 'activated', 'declined', 'withdrawn')),
    requested_at timestamptz not null,
    decided_at timestamptz,
    -- The verification that the approval queued. Only that one activates the version. It is kept for as long as this refers to it, without a
    -- foreign key: see 0021_partitions.sql.
    verification_id uuid,
    constraint approvals_config_of_tenant foreign key (config_id, tenant_id) references storage_configs (id, tenant_id),
    constraint approvals_approved_has_verification check (verification_id is not null or (state <> 'approved' and state <> 'activated')),
    constraint approvals_pending_is_undecided check ((state = 'pending') = (decided_at is null))
);

-- A newer version withdraws the approval of the one before.
create unique index approvals_one_open on approvals (tenant_id) where state in ('pending', 'approved');
create index approvals_by_tenant on approvals (tenant_id, requested_at desc);
create index approvals_oldest_pending on approvals (requested_at, config_id) where state = 'pending';
