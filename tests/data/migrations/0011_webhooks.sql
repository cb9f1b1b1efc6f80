insert into webhooks (id, url, events, created_at, generation, key_id)
    values ('00000000-0000-7000-8000-000000000071', 'https://hooks.example.com/', '{tenant.status_changed}', now(), 1, 'k1');
insert into webhook_deliveries (id, webhook_id, message_id, tenant_id, type, payload, state, attempts, created_at)
    values ('00000000-0000-7000-8000-000000000072', '00000000-0000-7000-8000-000000000071', '00000000-0000-7000-8000-000000000073',
            '00000000-0000-7000-8000-000000000002', 'tenant.status_changed', '{"data": {"name": "Globex"}}', 'waiting', 1, now());
insert into webhook_attempts (delivery_id, attempt, started_at) values ('00000000-0000-7000-8000-000000000072', 1, now());
insert into webhook_queues (webhook_id, tenant_id, due_at)
    values ('00000000-0000-7000-8000-000000000071', '00000000-0000-7000-8000-000000000002', now());
