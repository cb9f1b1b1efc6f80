insert into invites (id, tenant_id, hash, session_hash, created_at, expires_at)
    values ('00000000-0000-7000-8000-000000000051', '00000000-0000-7000-8000-000000000001', decode(repeat('00', 32), 'hex'),
            decode(repeat('01', 32), 'hex'), now(), now() + interval '1 day');
