update reverifications set ciphertext = '\x01', plaintext_sha256 = '\x02';

insert into call_budgets (account_id, service, free_at) values ('111111111111', 'sts', now());
