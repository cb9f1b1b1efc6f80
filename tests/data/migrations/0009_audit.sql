alter table audit_queue disable trigger all;
insert into audit_queue (id, at, actor, action, detail) values ('00000000-0000-7000-8000-000000000063', now(), '{}', 'x', '{}');
alter table audit_queue enable trigger all;
insert into audit_events (id, at, actor, action, tenant_id, address, detail)
    values ('00000000-0000-7000-8000-000000000061', now(), '{"kind": "operator"}', 'tenant.created', '00000000-0000-7000-8000-000000000002',
            '192.0.2.1', '{"name": "Globex"}');
insert into audit_events (id, at, actor, action, tenant_id, detail)
    values ('00000000-0000-7000-8000-000000000062', now(), '{"kind": "operator"}', 'tenant.offboarded',
            '00000000-0000-7000-8000-000000000002', '{"reason": "Contract ended"}');
insert into audit_dropped_ends (tenant_id, action) values ('00000000-0000-7000-8000-000000000002', 'tenant.offboarded');
