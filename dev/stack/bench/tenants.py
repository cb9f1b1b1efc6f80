"""Thousands of tenants, written directly to the database."""

# Without triggers, which would take turns on the counter row: their rows are written at once instead.
FILL = """
set session_replication_role = replica;
set synchronous_commit = off;
insert into tenants (id, slug, name, modes, external_id, status, created_at)
    select uuidv7(), 'tenant-' || lpad(n::text, 7, '0'), 'Tenant ' || n, '{{direct}}', 'lk-' || md5(n::text) || left(md5('x' || n), 8),
           'active', now()
    from generate_series({first}, {last}) n;
insert into storage_configs (id, tenant_id, version, mode, bucket_arn, bucket_account_id, region, key_arn, created_at)
    select uuidv7(), id, 1, 'direct', 'arn:aws:s3:::documents-of-' || slug, '222222222222', 'eu-central-1',
           'arn:aws:kms:eu-central-1:222222222222:key/' || gen_random_uuid(), now()
    from tenants t where not exists (select from storage_configs c where c.tenant_id = t.id);
insert into verifications (id, tenant_id, config_id, trigger, state, verdict, attempt, created_at, started_at, finished_at)
    select uuidv7(), tenant_id, id, 'submission', 'finished', 'verified', 1, now(), now(), now() from storage_configs c
    where not exists (select from verifications v where v.config_id = c.id);
insert into active_configs (tenant_id, config_id, location, activated_at, verified_at)
    select tenant_id, id, bucket_arn || '/', now(), now() from storage_configs c
    where not exists (select from active_configs a where a.tenant_id = c.tenant_id);
insert into config_changes (tenant_id, position, mark, changed_at)
    select id, (select config_changes from change_counters) + row_number() over (order by slug), gen_random_uuid(), now()
    from tenants t where not exists (select from config_changes f where f.tenant_id = t.id);
update change_counters set config_changes = (select max(position) from config_changes);
insert into change_marks (position, mark)
    select position, mark from config_changes where position > (select config_changes - 100000 from change_counters)
    on conflict do nothing;
analyze;
"""


def fill(server, database, first, last):
    """Creates the tenants with these numbers, each with an active version."""
    server.psql(database, FILL.format(first=first, last=last), transaction=False)


def slug(number):
    return f"tenant-{number:07}"
