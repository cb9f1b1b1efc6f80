-- IAM does not distinguish upper and lower case in the names of roles, so two spellings are one role.
alter table active_configs drop constraint active_configs_role_key;
create unique index active_configs_role_key on active_configs (lower(role_arn));
