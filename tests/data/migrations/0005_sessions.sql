insert into sessions (id, token_id, hash, created_at, last_used_at, expires_at)
    values ('00000000-0000-7000-8000-000000000041', '00000000-0000-7000-8000-000000000031', decode(repeat('00', 32), 'hex'), now(), now(),
            now() + interval '1 day');
