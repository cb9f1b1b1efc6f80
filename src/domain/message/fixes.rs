//! Every instruction that a fix can contain.

messages! {
    // Policies
    add_statement(action, policy, sid) "To allow {action}, add this statement to {policy}, replacing any existing statement with Sid {sid}."
    add_statements(action, policy, sids) "To allow {action}, add these statements to {policy}, replacing any existing statements with Sid {sids}."
    allow_in_boundary(action) "Allow {action} in the role's permissions boundary, which limits what its permissions grant."
    allow_in_policy(action, kind) "Allow {action} in {kind}. It overrides the policies of the role, the bucket and the key."
    remove_deny(action, kind, conditions) "A Deny statement in {kind} denies {action}. Look for conditions on {conditions}, and add an exception for this access."
    restrict_to_network(policy, sid) "To deny access from outside of the network of [vendor], add this statement to {policy}, replacing any existing statement with Sid {sid}."
    renew_network(sid, action, kind) "If the statement {sid} in {kind} denies {action}, replace it with this one: [vendor] calls from another network now."
    remove_unknown_deny(action, policy, conditions) "A Deny statement denies {action}, but AWS does not say where it is: look in {policy}, in the permissions of the role, and in the policies of [your] organization. Look for conditions on {conditions}, and add an exception for this access."
    replace_trust_statement() "Replace the role's trust policy statement with this one."
    trust_one_role() "Replace the trust policy statement that names [vendor] with this one, and remove any other statement that lets it assume the role."
    close_trust_policy() "Replace the trust policy statement that names [vendor] with this one, and remove any other statement that lets [vendor] assume the role without the condition."
    /// Statements of other tenants name the same role, with the same condition on another ID.
    close_policy(sid) "Replace the statement {sid} with this one, and remove any statement that grants the role of [vendor] access without the condition on an external ID."
    close_key_policy(sid) "Replace the statement {sid} with this one, and remove any statement that grants the role of [vendor] access without the condition on an external ID. If the key policy is right already, a grant lets the role in: find it with aws kms list-grants, and revoke it."
    remove_vendors_access() "Remove every statement that grants access to the account of [vendor] or to a role in it. The statement for [your] own role is enough."
    close_public_bucket() "Remove every statement with the principal * and every ACL that grants access to everyone, and enable all four Block Public Access settings of the bucket."
    name_role_as_principal() "Grant access to the role itself: replace the statement with this one, and remove any other statement that grants the role access through a condition on aws:PrincipalArn."
    list_without_prefix() "Grant s3:ListBucket without a condition on s3:prefix."
    stop_requiring_headers() "Remove the Deny statement with a condition on s3:x-amz-server-side-encryption or s3:x-amz-server-side-encryption-aws-kms-key-id. The bucket's default encryption already serves that purpose."
    allow_key_through_s3() "Remove conditions on aws:SourceVpce, aws:SourceVpc, aws:VpcSourceIp and kms:EncryptionContext:aws:s3:arn from the key policy statements that apply to [vendor]. Calls that S3 makes on its behalf do not meet them: with an S3 Bucket Key, the encryption context is the bucket, not the object."
    stop_requiring_headers_or_set_default() "If the bucket policy has a Deny statement with a condition on s3:x-amz-server-side-encryption or s3:x-amz-server-side-encryption-aws-kms-key-id, remove it. The bucket's default encryption already serves that purpose."
    set_default_if_not_set() "Otherwise, set the bucket's default encryption to [your] key, by its full ARN."

    // Settings
    set_default_encryption() "Set the bucket's default encryption to [your] key, by its full ARN."
    /// A bucket has one default, whatever prefixes it is divided into.
    set_default_of_whole_bucket() "Set the bucket's default encryption to [your] key, by its full ARN. The default applies to the whole bucket, not only to the prefix: from then on, everything else that is written to it is encrypted with this key too, unless it names another one. If others need the present default, enter that key here instead, with a key policy that grants access to [vendor]."
    turn_off_versioning() "Use a bucket on which versioning was never enabled, or suspend versioning on this one. That is not possible while Object Lock is enabled or the bucket has a replication configuration, and with MFA delete only the root user can do it. Then verify again."
    stop_replication() "Use another bucket, on which versioning was never enabled. To keep this one, delete its replication configuration, suspend versioning, and verify again."
    use_bucket_without_object_lock() "Use another bucket, without Object Lock and on which versioning was never enabled. Object Lock cannot be disabled."
    turn_off_mfa_delete() "Use another bucket, on which versioning was never enabled. To keep this one, disable MFA delete and suspend versioning as the root user, and verify again."
    turn_off_requester_pays() "Turn off Requester Pays on the bucket. The role of [vendor] does not agree to pay for requests."
    ask_aws_support() "Look at the billing and the status of the account that owns the bucket in the AWS console, or contact AWS Support."
    activate_sts(region, account) "In the account {account}, activate the AWS STS endpoint for {region}: IAM › Account settings › Security Token Service (STS)."
    reconnect_key_store() "Reconnect the key's custom key store in the KMS console, and check that its cluster or its proxy responds."
    block_public_access() "Enable all four Block Public Access settings on the bucket."
    disable_acls() "Set the bucket's Object Ownership to \"Bucket owner enforced\". Then only policies control access."
    enable_access_logging() "Enable server access logging to another bucket, whose default encryption must not be a KMS key. If CloudTrail logs the bucket's data events, that is enough."
    use_customer_managed_key() "Create a customer managed key, make it the bucket's default, and enter its ARN."
    use_symmetric_key() "Create a symmetric encryption key, make it the bucket's default, and enter its ARN."
    enable_key() "Enable the key in the KMS console."
    keep_key() "Cancel the key's deletion and enable it, or documents will be permanently lost."
    bring_key_to_enabled() "Return the key to the Enabled state."

    // The form
    correct_bucket() "Correct the bucket ARN, or create a bucket with this name."
    name_another_object() "In the form, enter the key of an object that is not empty and not archived, or omit it: the verification then chooses one."
    upload_or_name_object() "Upload an object below the prefix, encrypted with [your] key, or enter the key of one in the form."
    name_object_with_key() "In the form, enter the key of an object that is encrypted with [your] key, or correct the key ARN."
    correct_account() "In the form, enter the account that owns the bucket, or correct the bucket ARN."
    correct_region(real) "Enter {real} as the region. The key must be in {real} as well; if it is not, create one there."
    find_region() "Enter the region that the S3 console shows for the bucket."
    correct_key() "Correct the key ARN: copy it from the key's page in the KMS console."
    use_unclaimed_bucket() "Enter another bucket, or a prefix that no other one contains, and, if there is a role, one that is not shared. If [you] have two accounts with [vendor], contact [vendor]."
}
