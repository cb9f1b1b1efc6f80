-- Creates :tenants tenants, distributed as a vendor's would be: most are active, some are in every other status; both modes; checks
-- that fail for many or for few; names with common and with rare words. These properties do not depend on the creation time, so
-- every filter finds tenants everywhere. The triggers of the change feed are off; their rows are written at the end.
set session_replication_role = replica;

create temporary table plan as
select n,
       -- Two independent numbers from 0 to 999, from which the properties follow.
       (n * 7919 + n / 1000 * 31) % 1000 as a,
       (n * 104729 + n / 1000 * 17) % 1000 as b,
       md5('tenant ' || n)::uuid as tenant, md5('config ' || n)::uuid as config, md5('run ' || n)::uuid as run,
       timestamptz '2026-01-01 00:00:00Z' + n * interval '7 seconds' as at
from generate_series(1, :tenants::bigint) n;

alter table plan add column status text, add column failing text[], add column name text;

update plan set
    status = case when a < 580 then 'active' when a < 690 then 'invited' when a < 790 then 'action_required' when a < 850 then 'degraded'
                  when a < 900 then 'verifying' when a < 940 then 'suspended' else 'offboarded' end,
    failing = case when a not between 690 and 849 then '{}'
                   when b < 400 then array['bucket-reachable']
                   when b < 600 then array['object-readable', 'object-writable']
                   when b < 800 then array['role-requires-external-id']
                   when b < 950 then array['object-deletable', 'object-readable']
                   else array['encrypted-with-key'] end,
    name = (array['Acme', 'Globex', 'Initech', 'Umbrella', 'Hooli', 'Stark', 'Wayne', 'Wonka'])[1 + n % 8] || ' '
        || (array['Insurance', 'Bank', 'Logistics', 'Health', 'Energy'])[1 + b % 5] || ' '
        || (array['GmbH', 'Ltd', 'Inc'])[1 + a % 3]
        -- The same number in a large database and in a small one.
        || case when n % (:tenants::bigint / 60) = 0 then ' Rarely' else '' end;

-- And a check that fails for the same number of tenants in any database.
update plan set failing = array['bucket-listable'], status = 'action_required' where n % (:tenants::bigint / 60) = 7;

insert into tenants (id, slug, name, reference, modes, external_id, created_at, suspended_at, offboarded_at, status, failing_checks)
select tenant, 't-' || n, name, 'C-' || 100000 + n,
       case when b < 300 then array['direct'] when b < 600 then array['assume_role'] else array['direct', 'assume_role'] end,
       'lk-' || substr(md5('external ' || n), 1, 32), at,
       case when status = 'suspended' then at + interval '2 days' end,
       case when status = 'offboarded' then at + interval '3 days' end,
       status, failing
from plan;

insert into storage_configs (id, tenant_id, version, mode, bucket_arn, bucket_account_id, region, key_arn, role_arn, created_at)
select config, tenant, 1, case when b < 300 then 'direct' else 'assume_role' end, 'arn:aws:s3:::documents-' || n,
       lpad((n % 1000000)::text, 12, '2'), 'eu-central-1',
       'arn:aws:kms:eu-central-1:' || lpad((n % 1000000)::text, 12, '2') || ':key/' || tenant,
       case when b >= 300 then 'arn:aws:iam::' || lpad((n % 1000000)::text, 12, '2') || ':role/documents-' || n end, at
from plan where status <> 'invited';

insert into active_configs (tenant_id, config_id, location, role_arn, activated_at, verified_at)
select c.tenant_id, c.id, c.bucket_arn || '/', c.role_arn, c.created_at, c.created_at + interval '10 seconds'
from storage_configs c join plan p on p.config = c.id where p.status in ('active', 'degraded', 'suspended');

-- Confirmed within 6 hours and verified in full within 7 days, except for degraded tenants: longer ago.
insert into reverifications (config_id, tenant_id, standing, due_at, full_due_at, light_at, full_at)
select config, tenant, case when status = 'degraded' then 'rejected' else 'verified' end, now() + interval '1 hour', now() + interval '1 day',
       now() - case when status = 'degraded' then interval '2 days' else interval '0' end - (n * 31 % 1000) * interval '21.6 seconds',
       now() - case when status = 'degraded' then interval '7 days' else interval '0' end - (n * 37 % 1000) * interval '604.8 seconds'
from plan where status in ('active', 'degraded');

-- The first verification. A degraded tenant has two more, which rejected it.
insert into verifications (id, tenant_id, config_id, trigger, state, verdict, attempt, created_at, started_at, finished_at)
select run, tenant, config, 'submission', case when status = 'verifying' then 'queued' else 'finished' end,
       case when status = 'verifying' then null when status = 'action_required' then 'rejected' else 'verified' end,
       case when status = 'verifying' then 0 else 1 end, at,
       case when status <> 'verifying' then at + interval '1 second' end, case when status <> 'verifying' then at + interval '9 seconds' end
from plan where status <> 'invited';

insert into verifications (id, tenant_id, config_id, trigger, state, verdict, attempt, created_at, started_at, finished_at)
select md5(run::text || round)::uuid, tenant, config, 'scheduled', 'finished', 'rejected', 1, at + round * interval '2 hours',
       at + round * interval '2 hours 1 second', at + round * interval '2 hours 9 seconds'
from plan, generate_series(1, 2) round where status = 'degraded';

insert into open_verifications (verification_id, tenant_id, is_running)
select id, tenant_id, false from verifications where state = 'queued';

insert into verification_checks (verification_id, attempt, name, event, status, required, summary)
select v.id, 1, checked, 1 + place, 'failed', true, 'It was refused.'
from verifications v join plan p on p.tenant = v.tenant_id, unnest(p.failing) with ordinality as failed (checked, place)
where v.verdict = 'rejected';

insert into config_changes (tenant_id, position, mark, changed_at)
select tenant, row_number() over (order by n), gen_random_uuid(), at from plan where status in ('active', 'degraded', 'suspended', 'offboarded');
update change_counters set config_changes = (select count(*) from config_changes);
insert into change_marks (position, mark)
select position, mark from config_changes where position > (select config_changes - 100000 from change_counters);

set session_replication_role = origin;
