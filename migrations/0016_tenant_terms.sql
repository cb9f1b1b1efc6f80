-- What failed before there was this column, once.
update tenants t set failing_checks = failed.names
from (
    select v.tenant_id, array_agg(c.name order by c.name) as names
    from (
        select distinct on (tenant_id) tenant_id, id, attempt from verifications
        where state = 'finished' and verdict <> 'superseded' and trigger <> 'rotation'
        order by tenant_id, created_at desc, id desc
    ) v
    join verification_checks c on c.verification_id = v.id and c.attempt = v.attempt and c.status = 'failed'
    group by v.tenant_id
) failed
where failed.tenant_id = t.id and t.failing_checks = '{}';

-- What a tenant is found by in lists, in the order of lists: the words of its names, the checks that fail, and these together
-- with its status. A page of one term is a part of the index as it stands. An inverted index (GIN) has no order: of a term
-- that many have, it would give all of them to be sorted for each page; and how many have the beginning of a word, which
-- decides whether that is worth it, cannot be known from statistics.
create table tenant_terms (
    term text collate "C" not null,
    created_at timestamptz not null,
    tenant_id uuid not null,
    primary key (term, created_at, tenant_id)
);

create function tenant_terms_of(search tsvector, failing_checks text[], status text) returns table (term text)
language sql immutable as $$
    select 'word:' || word from unnest(tsvector_to_array(search)) word
    union all
    select 'check:' || failing from unnest(failing_checks) failing
    union all
    select 'check:' || failing || '/' || status from unnest(failing_checks) failing
$$;

create function tenant_terms_changed() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        delete from tenant_terms t using tenant_terms_of(old.search, old.failing_checks, old.status) gone
        where t.term = gone.term and t.created_at = old.created_at and t.tenant_id = old.id;
    end if;
    insert into tenant_terms (term, created_at, tenant_id) 
    select term, new.created_at, new.id from tenant_terms_of(new.search, new.failing_checks, new.status);
    return null;
end
$$;

create trigger tenants_terms_of_new after insert on tenants
    for each row execute function tenant_terms_changed();

create trigger tenants_terms after update on tenants
    for each row
    when (old.search is distinct from new.search
        or old.failing_checks is distinct from new.failing_checks
        or old.status is distinct from new.status)
    execute function tenant_terms_changed();

insert into tenant_terms (term, created_at, tenant_id)
select terms.term, t.created_at, t.id from tenants t, tenant_terms_of(t.search, t.failing_checks, t.status) terms;

drop index tenants_search, tenants_failing;

-- How many tenants each check keeps waiting is counted from this, which has no more in it than those.
create index tenants_kept_waiting on tenants (failing_checks) where failing_checks <> '{}' and status <> 'offboarded';
