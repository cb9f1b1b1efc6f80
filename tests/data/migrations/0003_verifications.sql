insert into verifications (id, tenant_id, config_id, trigger, state, verdict, attempt, created_at, started_at, finished_at)
    values ('00000000-0000-7000-8000-000000000021', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011',
            'scheduled', 'finished', 'rejected', 1, now(), now(), now() + interval '1 second');
insert into verification_attempts (verification_id, attempt, event, started_at)
    values ('00000000-0000-7000-8000-000000000021', 1, 1, now());
insert into verification_checks (verification_id, attempt, name, event, status, required, side, summary)
    values ('00000000-0000-7000-8000-000000000021', 1, 'bucket-reachable', 2, 'failed', true, 'customer', 'The bucket does not exist.');
insert into verifications (id, tenant_id, config_id, trigger, state, attempt, created_at, started_at)
    values ('00000000-0000-7000-8000-000000000029', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011',
            'manual', 'running', 1, now(), now());
