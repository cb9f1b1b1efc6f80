insert into refused_requests (hour, actor_id, method, route, actor, role, count, audited_count, first_at, last_at)
    values (date_trunc('hour', now()), 'token:00000000-0000-7000-8000-000000000031', 'POST', '/v1/tenants',
            '{"kind": "token", "id": "00000000-0000-7000-8000-000000000031", "name": "billing"}', 'viewer', 3, 1, now(), now());
