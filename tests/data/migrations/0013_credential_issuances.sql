insert into credential_issuances (tenant_id, hour, actor_id, access, actor, count, first_at, last_at, expires_at)
    values ('00000000-0000-7000-8000-000000000001', date_trunc('hour', now()), 'token:00000000-0000-7000-8000-000000000031', 'read',
            '{"kind": "token", "id": "00000000-0000-7000-8000-000000000031", "name": "billing"}', 3, now(), now(), now() + interval '1 hour');
