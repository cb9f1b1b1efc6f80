create table audit_events (
    id uuid primary key,
    at timestamptz not null,
    actor jsonb not null,
    action text not null,
    tenant_id uuid references tenants (id),
    request_id text,
    detail jsonb not null
);

create index audit_events_of_tenant on audit_events (tenant_id, id);

create trigger audit_events_are_append_only before update or delete on audit_events
    for each row execute function forbid_change();
