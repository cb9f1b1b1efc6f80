insert into approvals (config_id, tenant_id, state, requested_at)
    select id, tenant_id, 'pending', now() from storage_configs order by id limit 1;
