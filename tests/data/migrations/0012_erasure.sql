update tenants set offboarded_at = now() where slug = 'globex';
select erase_tenant(id, now()) from tenants where slug = 'globex';
