insert into document_versions
    (number, fingerprint, documents, assume_role_since, assume_role_read_since, direct_since, direct_read_since, first_seen_at)
values (1, 'a', '{}', 1, 1, 1, 1, now());
insert into config_documents (config_id, tenant_id, issued, verified, verified_at)
select config_id, tenant_id, 1, 1, now() from active_configs;
insert into campaigns (id, document_version, filter, message, created_at)
values ('00000000-0000-7000-8000-0000000000b1', 1, '{}', 'A new action.', now());
insert into campaign_tenants (campaign_id, tenant_id, enrolled_at, due_at)
select '00000000-0000-7000-8000-0000000000b1', tenant_id, now(), now() from active_configs;
