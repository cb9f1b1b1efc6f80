-- A year in a database of tenants. Rows are copies of real ones, with IDs and times of their own.

-- The months of the year, which end before this one.
create function month_begins(month int) returns timestamptz language sql stable as $$
    select date_trunc('month', now()) + (month - 12) * interval '1 month'
$$;

create table tenant_numbers (n int primary key, tenant_id uuid not null, config_id uuid not null);

create table sample (kind text primary key, verification jsonb, record bytea, drift jsonb, audit jsonb, payload text);

create procedure fill(tenants int, rows jsonb) language plpgsql as $$
declare
    name text;
begin
    set local session_replication_role = replica;
    insert into sample
        select r ->> 'kind', r -> 'verification', decode(r ->> 'record', 'hex'), r -> 'drift', r -> 'audit', r ->> 'payload'
        from jsonb_array_elements(rows) r;
    perform add_partition(parent, to_char(month_begins(m), 'YYYY_MM'), month_begins(m), month_begins(m + 1))
        from generate_series(0, 11) m, unnest(array['verifications', 'drifts', 'webhook_deliveries', 'webhook_attempts']) parent;
    perform add_partition('audit_events', to_char(year, 'YYYY'), year, year + interval '1 year')
        from (select date_trunc('year', month_begins(0)) as year) y;
    insert into tenant_numbers select n, uuidv7(), uuidv7() from generate_series(1, tenants) n;
    insert into tenants (id, slug, name, modes, external_id, status, created_at)
        select tenant_id, 'tenant-' || n, 'Tenant ' || n, '{assume_role}', 'lk-' || md5(n::text), 'active', now() from tenant_numbers;
    insert into storage_configs (id, tenant_id, version, mode, bucket_arn, bucket_account_id, region, key_arn, role_arn, created_at)
        select config_id, tenant_id, 1, 'assume_role', 'arn:aws:s3:::documents-' || n, '222222222222', 'eu-central-1',
               'arn:aws:kms:eu-central-1:222222222222:key/' || gen_random_uuid(), 'arn:aws:iam::222222222222:role/documents-' || n, now()
        from tenant_numbers;
    insert into active_configs (tenant_id, config_id, location, role_arn, activated_at, verified_at)
        select tenant_id, id, bucket_arn || '/', role_arn, now(), now() from storage_configs;
    insert into reverifications (config_id, tenant_id, standing, due_at, full_due_at, light_at, full_at, ciphertext, plaintext_sha256, catalogue)
        select config_id, tenant_id, 'verified', month_begins(0) + random() * interval '1 day', month_begins(0) + random() * interval '7 days',
               now(), now(), decode(repeat('ab', 151), 'hex'), sha256('x'), repeat('a', 64)
        from tenant_numbers order by config_id;
    -- Vacuum runs at fixed times of the simulated year instead, and more rarely than it would by itself.
    for name in select relid::regclass::text
        from unnest(array['verifications', 'drifts', 'audit_events', 'webhook_deliveries', 'webhook_attempts']) parent, pg_partition_tree(parent)
        where isleaf
        union all select 'reverifications'
    loop
        execute format('alter table %s set (autovacuum_enabled = off)', name);
    end loop;
    insert into webhooks (id, url, events, created_at, generation, key_id)
        values (gen_random_uuid(), 'https://example.com/', '{tenant.drifted}', now(), 1, 'x');
end
$$;

-- Each storage config is looked at once, in the order in which they are due: claimed, and then settled, in two updates as the service does it.
create procedure look(day int) language plpgsql as $$
declare
    until timestamptz := month_begins(0) + (day + 1) * interval '1 day';
    due uuid[];
begin
    loop
        with claimed as (
            select config_id from reverifications where due_at <= until order by due_at limit 1000 for update skip locked
        ), updated as (
            update reverifications r set leased_until = until, lease = r.lease + 1,
                probe_objects = array_remove(r.probe_objects || r.probe_key, null), probe_key = null
            from claimed c where r.config_id = c.config_id returning r.config_id
        )
        select array_agg(config_id) into due from updated;
        exit when due is null;
        commit;
        update reverifications r set
            standing = 'verified', due_at = until + random() * interval '1 day', repeats = 0, probe_key = null, probe_objects = '{}',
            leased_until = null, light_at = until,
            full_at = case when (hashtext(r.config_id::text) + day) % 7 = 0 then until else r.full_at end
        where r.config_id = any (due);
        commit;
    end loop;
end
$$;

-- One recorded verification of each tenant, at a random time of the month, in the order of time. In six transactions, as in the service.
create procedure record_changes(month int, change int, messages int) language plpgsql as $$
declare
    began timestamptz := month_begins(month);
    length interval := month_begins(month + 1) - month_begins(month) - interval '1 hour';
    s sample := (select x from sample x where kind = case when change % 2 = 0 then 'fault' else 'repair' end);
    webhook uuid := (select id from webhooks);
    number record;
    moment timestamptz;
    verification uuid;
    delivery uuid;
    total int := (select count(*) from tenant_numbers);
    place int := 0;
begin
    for number in select * from tenant_numbers order by md5(n::text || change) loop
        place := place + 1;
        moment := began + length * place / total;
        verification := uuidv7(moment - clock_timestamp());
        insert into verifications (id, tenant_id, config_id, trigger, state, created_at)
            values (verification, number.tenant_id, number.config_id, 'scheduled', 'queued', moment);
        commit;
        update verifications v set state = 'running', started_at = moment, attempt = 1, lease = 1, lease_until = moment, last_event = 1,
            probe_objects = array[s.verification ->> 'probe_key'] where v.id = verification;
        commit;
        for batch in 1 .. 3 loop
            update verifications v set last_event = last_event + 8 where v.id = verification;
            commit;
        end loop;
        update verifications v set state = 'finished', verdict = s.verification ->> 'verdict', finished_at = moment + interval '3 seconds',
            probe_objects = '{}', last_event = last_event + 1, record = s.record, lease_until = null
            where v.id = verification;
        insert into drifts (id, tenant_id, config_id, verification_id, name, before_status, before_code, before_summary, after_status, after_code,
                            after_summary, not_before, found_at)
            values (uuidv7(moment - clock_timestamp()), number.tenant_id, number.config_id, verification, s.drift ->> 'name',
                    s.drift ->> 'before_status', s.drift ->> 'before_code', s.drift ->> 'before_summary', s.drift ->> 'after_status',
                    s.drift ->> 'after_code', s.drift ->> 'after_summary', moment, moment);
        insert into audit_events (id, at, actor, action, tenant_id, before, after, detail)
            values (uuidv7(moment - clock_timestamp()), moment, s.audit -> 'actor', s.audit ->> 'action', number.tenant_id, s.audit -> 'before',
                    s.audit -> 'after', jsonb_set(s.audit -> 'detail', '{verification_id}', to_jsonb(verification)));
        for sent in 1 .. messages loop
            delivery := uuidv7(moment - clock_timestamp());
            insert into webhook_deliveries (id, webhook_id, message_id, tenant_id, type, payload, state, attempts, created_at, ended_at)
                values (delivery, webhook, uuidv7(), number.tenant_id, 'verification.finished', s.payload, 'delivered', 1, moment, moment);
            insert into webhook_attempts (delivery_id, attempt, started_at, duration_ms, status) values (delivery, 1, moment, 80, 204);
        end loop;
        commit;
    end loop;
end
$$;
