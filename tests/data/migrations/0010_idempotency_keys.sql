insert into idempotency_keys (key, sender, tenant_id, request, claim, claimed_at, expires_at, done_at, event_id, answered_at, status,
                              headers, body)
    values (decode(repeat('00', 32), 'hex'), decode(repeat('02', 32), 'hex'), '00000000-0000-7000-8000-000000000002',
            decode(repeat('01', 32), 'hex'), gen_random_uuid(), now(), now() + interval '1 day', now(),
            '00000000-0000-7000-8000-000000000061', now(), 201, '[]', '{"name": "Globex"}');
