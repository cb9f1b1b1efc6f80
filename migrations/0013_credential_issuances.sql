-- Who was handed AWS credentials for a tenant's documents: counted per caller, tenant, access and hour. The audit log gets an entry in the
-- transaction that inserts a row, and another one for later issuances when the hour is over. There is no foreign key: it would make an
-- issuance wait for changes of the tenant.
create table credential_issuances (
    tenant_id uuid not null,
    hour timestamptz not null,
    actor_id text not null,
    access text not null check (access in ('read', 'read_write')),
    actor jsonb not null,
    count bigint not null check (count > 0),
    -- How many of them the audit log has.
    audited_count bigint not null default 0,
    first_at timestamptz not null,
    last_at timestamptz not null,
    -- When the last of the sessions expires. AWS accepts credentials until then, whatever happens to the tenant or the token.
    expires_at timestamptz not null,
    primary key (tenant_id, hour, actor_id, access),
    constraint credential_issuances_audited check (audited_count between 0 and count)
);

create index credential_issuances_of_actor on credential_issuances (actor_id, expires_at);
create index credential_issuances_unaudited on credential_issuances (hour) where count > audited_count;

-- A row only grows, and stays for as long as its sessions are valid: what was handed out cannot be made to look like less.
create function guard_credential_issuance() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        if old.audited_count = old.count and old.expires_at < clock_timestamp() then
            return old;
        end if;
    elsif (new.tenant_id, new.hour, new.actor_id, new.access, new.actor) = (old.tenant_id, old.hour, old.actor_id, old.access, old.actor)
        and new.count >= old.count and new.audited_count >= old.audited_count
        and new.first_at <= old.first_at and new.last_at >= old.last_at and new.expires_at >= old.expires_at
    then
        return new;
    end if;
    raise exception 'recorded issuances of credentials only grow' using errcode = 'restrict_violation';
end
$$;

create trigger credential_issuances_only_grow before update or delete on credential_issuances
    for each row execute function guard_credential_issuance();
create trigger credential_issuances_forbid_truncate before truncate on credential_issuances
    for each statement execute function forbid_change();
