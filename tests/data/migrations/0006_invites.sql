insert into invites (id, tenant_id, purpose, hash, created_at, expires_at)
    values ('00000000-0000-7000-8000-000000000051', '00000000-0000-7000-8000-000000000001', 'onboarding',
            decode(repeat('00', 32), 'hex'), now(), now() + interval '1 day');
insert into invite_sessions (id, invite_id, kind, hash, address, created_at, last_used_at)
    values ('00000000-0000-7000-8000-000000000052', '00000000-0000-7000-8000-000000000051', 'browser', decode(repeat('01', 32), 'hex'),
            '203.0.113.7', now(), now());
