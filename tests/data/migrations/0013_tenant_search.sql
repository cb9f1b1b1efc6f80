insert into tenants (id, slug, name, modes, external_id, status, failing_checks, created_at)
    values ('00000000-0000-7000-8000-000000000003', 'initech', 'Initech Bank', '{direct}', 'lk-00000003', 'action_required',
            '{bucket-reachable}', now());
