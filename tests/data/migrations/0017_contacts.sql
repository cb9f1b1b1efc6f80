insert into contacts (id, tenant_id, name, email, created_at, confirmed_at)
    values ('00000000-0000-7000-8000-000000000081', '00000000-0000-7000-8000-000000000001', 'Wile E. Coyote', 'wile@acme.example', now(), now());
insert into mails (id, tenant_id, contact_id, address_hash, kind, subject, content, day, state, due_at, created_at)
    values ('00000000-0000-7000-8000-000000000082', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000081',
            decode(repeat('02', 32), 'hex'), 'verified', 'version 1', '{}', current_date, 'queued', now(), now());
insert into contact_links (hash, contact_id, mail_id, purpose, expires_at)
    values (decode(repeat('03', 32), 'hex'), '00000000-0000-7000-8000-000000000081', '00000000-0000-7000-8000-000000000082', 'stop',
            now() + interval '1 year');
