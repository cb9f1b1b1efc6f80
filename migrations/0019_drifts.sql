-- What changed at the storage of active versions, check by check.
create table drifts (
    id uuid primary key,
    tenant_id uuid not null,
    config_id uuid not null,
    -- The verification that found it. Not a foreign key, because verifications are deleted before their drifts.
    verification_id uuid not null,
    name text not null,
    before_status text not null check (before_status in ('passed', 'failed', 'warning', 'skipped', 'inconclusive')),
    before_code text,
    before_summary text not null,
    after_status text not null check (after_status in ('passed', 'failed', 'warning', 'skipped', 'inconclusive')),
    after_code text,
    after_summary text not null,
    -- The span of time in which it changed.
    not_before timestamptz,
    found_at timestamptz not null,
    constraint drifts_config_of_tenant foreign key (config_id, tenant_id) references storage_configs (id, tenant_id)
);

create index drifts_of_tenant on drifts (tenant_id, found_at desc, id desc);
create index drifts_newest on drifts (found_at desc, id desc);
create index drifts_of_check on drifts (name, found_at desc, id desc);
