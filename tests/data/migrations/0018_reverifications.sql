insert into reverifications (config_id, tenant_id, standing, due_at, full_due_at, light_at, full_at, ciphertext, plaintext_sha256)
select config_id, tenant_id, 'verified', now() + interval '6 hours', now() + interval '7 days', now(), now(), '\x01', '\x02'
from active_configs;

insert into call_budgets (account_id, service, free_at) values ('111111111111', 'sts', now());
