insert into audit_anchor (position, hash, at) values (1, sha256('x'), now() - interval '8 years');
