-- An inverted index of tenants, in the order of lists. Its terms are the words of a tenant's names, its failing checks, and
-- each failing check together with the status. A page of one term is a range of the primary key.
--
-- A GIN index has no order: it would return every match of a frequent term, to be sorted for each page.
create table tenant_search_terms (
    term text collate "C" not null,
    created_at timestamptz not null,
    tenant_id uuid not null,
    primary key (term, created_at, tenant_id)
);

create function search_terms_of(search tsvector, failing_checks text[], status text) returns table (term text)
language sql immutable as $$
    select 'word:' || word from unnest(tsvector_to_array(search)) word
    union all
    select 'check:' || failing from unnest(failing_checks) failing
    union all
    select 'check:' || failing || '/' || status from unnest(failing_checks) failing
$$;

create function update_search_terms() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        delete from tenant_search_terms t using search_terms_of(old.search, old.failing_checks, old.status) old_terms
        where t.term = old_terms.term and t.created_at = old.created_at and t.tenant_id = old.id;
    end if;
    insert into tenant_search_terms (term, created_at, tenant_id)
    select term, new.created_at, new.id from search_terms_of(new.search, new.failing_checks, new.status);
    return null;
end
$$;

create trigger tenants_insert_search_terms after insert on tenants
    for each row execute function update_search_terms();

create trigger tenants_update_search_terms after update on tenants
    for each row
    when (old.search is distinct from new.search
        or old.failing_checks is distinct from new.failing_checks
        or old.status is distinct from new.status)
    execute function update_search_terms();
