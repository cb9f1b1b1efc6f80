insert into drifts (id, tenant_id, config_id, verification_id, name, before_status, before_summary, after_status, after_code, after_summary,
                    not_before, found_at)
select '00000000-0000-7000-8000-000000000091', tenant_id, config_id, '00000000-0000-7000-8000-000000000021', 'key-suitable', 'passed',
       'The key is enabled, symmetric and customer managed.', 'failed', 'DisabledException', 'The key is disabled.', now() - interval '6 hours', now()
from active_configs limit 1;
