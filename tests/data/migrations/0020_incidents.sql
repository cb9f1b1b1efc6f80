insert into reverification_tallies (minute, unchanged, other) values (date_trunc('minute', now()), 3, 12);
insert into incidents (id, started_at, affected) values ('00000000-0000-7000-8000-0000000000a1', now(), 12);
