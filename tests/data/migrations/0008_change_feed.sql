update tenants set suspended_at = now() where slug = 'acme';
update tokens set revoked_at = now();
