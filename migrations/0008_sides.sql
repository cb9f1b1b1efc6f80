-- Who has to act before a check that did not pass can.
alter table verification_checks add column side text check (side in ('customer', 'vendor', 'aws'));
