-- Requests that were denied because of the caller's role: counted per caller, operation and hour. The first one of an hour is in the audit
-- log at once. When the hour is over, the log gets one entry for the others of each row.
create table refused_requests (
    hour timestamptz not null,
    actor_id text not null,
    method text not null,
    route text not null,
    actor jsonb not null,
    role text not null,
    count bigint not null check (count > 0),
    -- How many of them the audit log has.
    audited_count bigint not null,
    -- Of those that are not audited on their own.
    first_at timestamptz not null,
    last_at timestamptz not null,
    primary key (hour, actor_id, method, route),
    constraint refused_requests_audited check (audited_count between 0 and count)
);

create index refused_requests_unaudited on refused_requests (hour) where count > audited_count;
