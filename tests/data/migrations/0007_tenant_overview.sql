-- The second rejection, more than a minute after the first one.
insert into verifications (id, tenant_id, config_id, trigger, state, verdict, attempt, created_at, started_at, finished_at)
    values ('00000000-0000-7000-8000-000000000022', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011',
            'scheduled', 'finished', 'rejected', 1, now() + interval '1 hour', now() + interval '1 hour', now() + interval '1 hour 1 second');
