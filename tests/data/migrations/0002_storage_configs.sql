insert into storage_configs (id, tenant_id, version, mode, bucket_arn, bucket_account_id, region, key_arn, created_at)
    values ('00000000-0000-7000-8000-000000000011', '00000000-0000-7000-8000-000000000001', 1, 'direct', 'arn:aws:s3:::acme',
            '222222222222', 'eu-central-1', 'arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab', now());
insert into active_configs (tenant_id, config_id, location, activated_at, verified_at)
    values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000011', 'arn:aws:s3:::acme/', now(), now());
insert into storage_configs (id, tenant_id, version, mode, bucket_arn, bucket_account_id, region, key_arn, role_arn, created_at)
    values ('00000000-0000-7000-8000-000000000012', '00000000-0000-7000-8000-000000000001', 2, 'assume_role', 'arn:aws:s3:::acme',
            '222222222222', 'eu-central-1', 'arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab',
            'arn:aws:iam::222222222222:role/Documents', now()),
           ('00000000-0000-7000-8000-000000000013', '00000000-0000-7000-8000-000000000002', 1, 'assume_role', 'arn:aws:s3:::globex',
            '222222222222', 'eu-central-1', 'arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab',
            'arn:aws:iam::222222222222:role/documents', now());
update active_configs set config_id = '00000000-0000-7000-8000-000000000012', role_arn = 'arn:aws:iam::222222222222:role/Documents';
