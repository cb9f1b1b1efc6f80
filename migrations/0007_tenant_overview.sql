-- The active version of each tenant, with the first and the last of its rejections since it was last verified, and of those for a
-- breach.
create view active_versions as
select a.tenant_id, a.activated_at, a.verified_at, c.id as config_id, c.version, c.mode, c.bucket_arn, c.bucket_account_id, c.region,
       c.key_arn, c.role_arn, c.prefix, c.access, c.sample_object, c.created_at, r.first_rejection, r.last_rejection, r.first_breach, r.last_breach
from active_configs a
join storage_configs c on c.id = a.config_id
cross join lateral (
    -- A rotation's verdict is about the other external ID.
    select min(v.finished_at) as first_rejection, max(v.finished_at) as last_rejection,
           min(v.finished_at) filter (where v.is_breach) as first_breach, max(v.finished_at) filter (where v.is_breach) as last_breach
    from verifications v
    where v.tenant_id = a.tenant_id and v.config_id = a.config_id and v.verdict = 'rejected' and v.trigger <> 'rotation' and v.finished_at > a.verified_at
) r;

-- Tenants with the facts that their status follows from. The code derives the status: see TenantFacts::status.
create view tenant_overview as
select t.id, t.slug, t.name, t.reference, t.modes, t.external_id, t.next_external_id, t.previous_external_id, t.previous_retired_at,
       t.created_at, t.suspended_at, t.offboarded_at, t.erased_at, t.status_since, t.failing_checks,
       a.version as active_version, a.first_rejection, a.last_rejection, a.first_breach, a.last_breach,
       newest.state as newest_state, newest.verdict as newest_verdict
from tenants t
left join active_versions a on a.tenant_id = t.id
left join lateral (
    select v.state, v.verdict
    from verifications v
    where v.tenant_id = t.id and v.verdict is distinct from 'superseded' and v.trigger <> 'rotation'
    order by v.created_at desc, v.id desc
    limit 1
) newest on true;
