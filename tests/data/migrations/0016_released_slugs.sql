insert into released_slugs (hash, released_at) values (sha256('initech'), now());
