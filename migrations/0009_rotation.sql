-- A rotation of the external ID: first the next one is issued, then, once it is proven, the previous one is to be retired.
alter table tenants
    add column next_external_id text check (next_external_id ~ '^[A-Za-z0-9-]{8,128}$'),
    add column previous_external_id text check (previous_external_id ~ '^[A-Za-z0-9-]{8,128}$'),
    -- The previous one has to be refused from then on.
    add column previous_ended_at timestamptz,
    add constraint tenants_one_rotation check (next_external_id is null or previous_external_id is null),
    add constraint tenants_ended_has_previous check (previous_ended_at is null or previous_external_id is not null);
create unique index tenants_next_external_id_key on tenants (next_external_id);

alter table verifications drop constraint verifications_trigger_check,
    add constraint verifications_trigger_check check (trigger in ('submission', 'manual', 'scheduled', 'rotation'));

-- As before, but for rotations, whose verdicts are about the other external ID.
create or replace function tenant_facts(tenant uuid)
returns table (
    active_version int,
    first_rejection timestamptz,
    last_rejection timestamptz,
    newest_state text,
    newest_verdict text
) language sql stable as $$
    select
        (select c.version from active_configs a join storage_configs c on c.id = a.config_id where a.tenant_id = tenant),
        rejections.first,
        rejections.last,
        newest.state,
        newest.verdict
    from (values (1)) one
    left join lateral (
        -- The rejections of the active version since it was last verified.
        select min(v.finished_at) as first, max(v.finished_at) as last
        from active_configs a
        join verifications v on v.config_id = a.config_id and v.verdict = 'rejected' and v.finished_at > a.verified_at
            and v.trigger <> 'rotation'
        where a.tenant_id = tenant
    ) rejections on true
    left join lateral (
        select v.state, v.verdict from verifications v
        where v.tenant_id = tenant and v.verdict is distinct from 'superseded' and v.trigger <> 'rotation'
        order by v.created_at desc, v.id desc
        limit 1
    ) newest on true
$$;
