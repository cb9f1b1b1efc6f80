-- People at a customer whom mail about the tenant is sent to.
create table contacts (
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    name text not null check (name <> ''),
    email text not null check (length(email) <= 254),
    -- The invite with which the customer entered the address. Null if operators did.
    invite_id uuid references invites (id),
    created_at timestamptz not null,
    -- When the address was confirmed. Only then it gets mail.
    confirmed_at timestamptz,
    -- When the contact asked for no more mail.
    stopped_at timestamptz
);

create unique index contacts_email_key on contacts (tenant_id, lower(email));
create index contacts_by_tenant on contacts (tenant_id, created_at, id);

-- One mail to one contact, written in the transaction of the event that it is about (transactional outbox).
create table mails (
    -- Also its Message-ID, which is the same for all attempts.
    id uuid primary key,
    tenant_id uuid not null references tenants (id),
    -- Null once the contact is removed.
    contact_id uuid references contacts (id) on delete set null,
    -- SHA-256 of the address in lower case: limits hold for an address, whichever contacts it belongs to.
    address_hash bytea not null check (octet_length(address_hash) = 32),
    kind text not null check (kind in (
        'address_confirmation', 'invite', 'verified', 'action_required', 'degraded', 'quarantined', 'rotation_requested',
        'approval_pending', 'approval_approved', 'approval_declined', 'key_pending_deletion', 'documents_changed'
    )),
    -- What it is about besides the tenant, such as the failing check. Tenant, kind and subject are the mail's cause.
    subject text not null,
    -- What its text is made of. Never a secret: links are made when the mail is sent.
    content jsonb not null,
    -- The day on which it was queued, in UTC.
    day date not null,
    state text not null check (state in ('queued', 'failed', 'sent', 'given_up')),
    attempts int not null default 0,
    -- When it can be sent. A sender that claims it moves this into the future, so that another one takes over if the first crashes.
    due_at timestamptz,
    -- The outcome of the last attempt, or why it was given up. Null while an attempt is running.
    fault text,
    -- The SMTP reply's code and enhanced status code, without its text: relays quote links.
    reply text,
    -- The invite of its link, once it was sent or may have been.
    invite_id uuid references invites (id),
    created_at timestamptz not null,
    ended_at timestamptz,
    constraint mails_end_fits_state check ((state = 'sent' or state = 'given_up') = (ended_at is not null)),
    constraint mails_waiting_is_due check ((ended_at is null) = (due_at is not null))
);

-- At most one mail per contact, cause and day. One that was not delivered does not count.
create unique index mails_one_a_day on mails (contact_id, kind, subject, day) where state <> 'given_up';
create index mails_by_contact on mails (contact_id);
create index mails_newest on mails (tenant_id, created_at desc, id desc);
create index mails_waiting on mails (created_at) where ended_at is null;
create index mails_due on mails (due_at) where ended_at is null;
create index mails_ended on mails (ended_at) where ended_at is not null;
create index mails_confirmations on mails (address_hash, created_at) where kind = 'address_confirmation';

-- Secrets in mails' links, except those of invites: to confirm an address, or to stop mail to it.
create table contact_links (
    -- SHA-256 of the link's token, which is not stored itself.
    hash bytea primary key check (octet_length(hash) = 32),
    contact_id uuid not null references contacts (id) on delete cascade,
    -- The link outlives its mail.
    mail_id uuid references mails (id) on delete set null,
    purpose text not null check (purpose in ('confirm', 'stop')),
    expires_at timestamptz not null
);

create index contact_links_by_contact on contact_links (contact_id);
create index contact_links_by_mail on contact_links (mail_id);
create index contact_links_expired on contact_links (expires_at);

-- Contacts and mails are personal data: they end with the names of an erased tenant. See erase_tenant.
create function erase_contacts() returns trigger language plpgsql as $$
begin
    delete from mails where tenant_id = new.id;
    delete from contacts where tenant_id = new.id;
    return null;
end
$$;

create trigger tenants_erase_contacts after update of erased_at on tenants
    for each row when (old.erased_at is null and new.erased_at is not null) execute function erase_contacts();
