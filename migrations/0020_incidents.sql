-- How many re-verifications were as before in each minute, and how many were not.
create table reverification_tallies (
    minute timestamptz primary key,
    unchanged int not null,
    other int not null
);

-- Waves of re-verifications that failed together. At most one is open.
create table incidents (
    id uuid primary key,
    started_at timestamptz not null,
    ended_at timestamptz,
    successes int not null default 0 check (successes >= 0),
    affected int not null check (affected >= 0)
);

create unique index incidents_one_open on incidents ((true)) where ended_at is null;
create index incidents_newest on incidents (started_at desc, id desc);
