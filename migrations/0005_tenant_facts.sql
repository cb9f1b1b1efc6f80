-- The facts that a tenant's status follows from. What status they amount to is the program's to say.
create function tenant_facts(tenant uuid)
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
        where a.tenant_id = tenant
    ) rejections on true
    left join lateral (
        select v.state, v.verdict from verifications v
        where v.tenant_id = tenant and v.verdict is distinct from 'superseded'
        order by v.created_at desc, v.id desc
        limit 1
    ) newest on true
$$;
