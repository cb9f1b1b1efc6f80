-- Creates :tenants active tenants for the AWS of the benches, which knows every external ID that begins like these, and decrypts to the
-- ciphertext itself. The triggers of the change feed are off.
set session_replication_role = replica;
set synchronous_commit = off;

insert into tenants (id, slug, name, modes, external_id, status, created_at)
select md5('tenant ' || n)::uuid, 't-' || n, 'Tenant ' || n, '{assume_role}', 'lk-0123456789abcdef0123456789abcdef01234567-' || n, 'active', now()
from generate_series(1, :tenants::bigint) n;

insert into storage_configs (id, tenant_id, version, mode, bucket_arn, bucket_account_id, region, key_arn, role_arn, created_at)
select md5('config ' || n)::uuid, md5('tenant ' || n)::uuid, 1, 'assume_role', 'arn:aws:s3:::documents-' || n, '222222222222', 'eu-central-1',
       'arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab', 'arn:aws:iam::222222222222:role/documents-' || n, now()
from generate_series(1, :tenants::bigint) n;

insert into active_configs (tenant_id, config_id, location, role_arn, activated_at, verified_at)
select tenant_id, id, bucket_arn || '/', role_arn, now(), now() from storage_configs;

insert into verifications (id, tenant_id, config_id, trigger, state, verdict, attempt, created_at, started_at, finished_at)
select md5('run ' || id)::uuid, tenant_id, id, 'submission', 'finished', 'verified', 1, now(), now(), now() from storage_configs;

insert into reverifications (config_id, tenant_id, standing, due_at, full_due_at, light_at, full_at, ciphertext, plaintext_sha256)
select id, tenant_id, 'verified', 'infinity', 'infinity', now(), now(), '\x01', sha256('\x01') from storage_configs;

-- A queued verification of each, and its job. Not by add_job, which holds a lock for each until the transaction ends.
create function queue_all() returns void language sql set session_replication_role = replica as $$
    update reverifications set due_at = now() + interval '30 days', full_due_at = now() + interval '60 days';
    insert into verifications (id, tenant_id, config_id, trigger, state, created_at)
    select md5('queued ' || id)::uuid, tenant_id, id, 'manual', 'queued', now() from storage_configs;
    insert into graphile_worker._private_tasks (identifier) values ('verify') on conflict do nothing;
    insert into graphile_worker._private_jobs (task_id, payload, key)
    select t.id, json_build_object('verification_id', v.id), 'verify:' || v.id
    from verifications v, graphile_worker._private_tasks t where v.state = 'queued' and t.identifier = 'verify';
$$;

set session_replication_role = origin;
