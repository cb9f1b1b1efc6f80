insert into tokens (id, name, role, hash, created_at)
    values ('00000000-0000-7000-8000-000000000031', 'deploy', 'admin', decode(repeat('00', 32), 'hex'), now());
