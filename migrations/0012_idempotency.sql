-- Requests that carried an idempotency key, for a day. Neither the key nor the request is here, only their hashes.
create table idempotency_keys (
    -- SHA-256 of who sent it and the key.
    key bytea primary key check (octet_length(key) = 32),
    -- SHA-256 of the method, the path and the body.
    request bytea not null check (octet_length(request) = 32),
    -- Distinguishes the request that works on it from one that took it over.
    claim uuid not null,
    claimed_at timestamptz not null,
    expires_at timestamptz not null,
    request_id text,
    -- Written in the transaction of the change itself: from here on the request must not be carried out again.
    done_at timestamptz,
    -- The change's entry in the audit log.
    event_id uuid,
    -- When the answer was known. Missing where its process was lost between the change and this.
    answered_at timestamptz,
    -- The answer. Missing where it holds what is shown once.
    status int check (status between 200 and 299),
    headers jsonb,
    body bytea,
    constraint idempotency_keys_answer_is_whole check ((status is null) = (headers is null) and (status is null) = (body is null))
);

create index idempotency_keys_expired on idempotency_keys (expires_at);
