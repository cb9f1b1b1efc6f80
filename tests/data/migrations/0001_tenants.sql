insert into tenants (id, slug, name, reference, modes, external_id, created_at) values
    ('00000000-0000-7000-8000-000000000001', 'acme', 'Acme', 'C-4711', '{direct,assume_role}', 'lk-00000001', now()),
    ('00000000-0000-7000-8000-000000000002', 'globex', 'Globex', null, '{assume_role}', 'lk-00000002', now());
