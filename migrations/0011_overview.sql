-- What lists of tenants are filtered by. The status follows from facts, by rules that are the program's; it keeps this copy in
-- the transactions that change the facts, so that a filter can use an index.
alter table tenants
    add column status text not null default 'invited'
        check (status in ('invited', 'verifying', 'action_required', 'active', 'degraded', 'suspended', 'offboarded')),
    add column failing_checks text[] not null default '{}',
    add column search tsvector not null
        -- Words alone: Postgres would read a sign, a path or a host into what stands between them.
        generated always as (
            to_tsvector('simple', regexp_replace(slug || ' ' || name || ' ' || coalesce(reference, ''), '[^[:alnum:]]+', ' ', 'g'))
        ) stored;

-- What is there already, once, as the program would have it.
update tenants t set status = case
    when t.offboarded_at is not null then 'offboarded'
    when t.suspended_at is not null then 'suspended'
    when f.active_version is not null and f.last_rejection - f.first_rejection >= interval '1 minute' then 'degraded'
    when f.active_version is not null then 'active'
    when f.newest_state is null then 'invited'
    when f.newest_state = 'finished' then 'action_required'
    else 'verifying'
end
from tenants o, lateral tenant_facts(o.id) f where o.id = t.id;

create index tenants_of_status on tenants (status, created_at desc, id desc);
create index tenants_with_direct on tenants (created_at desc, id desc) where 'direct' = any (modes);
create index tenants_with_assume_role on tenants (created_at desc, id desc) where 'assume_role' = any (modes);
create index tenants_failing on tenants using gin (failing_checks);
create index tenants_search on tenants using gin (search);
