//! Every sentence that a finding can contain, apart from the claims of the catalogue.

messages! {
    // Any check
    permission_granted(action) "[Vendor] is allowed to call {action}."
    permission_denied(action) "[Vendor] was denied {action}."
    /// Across accounts, AWS does not say why, so a denial looks like a missing grant.
    denied_without_reason() "AWS does not say why. If the statement is in place, look for a Deny statement that applies to the role of [vendor], in the same policy or in a policy of [your] organization."
    vendor_side(code) "[Vendor] has a configuration problem ({code}). No action is needed from [you]; [vendor] has been alerted."
    aws_did_not_answer(code) "AWS did not respond to this call ({code}). No action is needed; the check will run again."
    not_permitted() "Not checked: the granted permissions do not allow it."
    ended_before() "Not checked: the verification ended first."
    has_no_result(prerequisite) "Not checked, because {prerequisite} has no result."
    did_not_pass(prerequisite) "Not checked, because {prerequisite} did not pass."
    is_inconclusive(prerequisite) "Inconclusive, because {prerequisite} is inconclusive."

    // Roles
    vendor_role_gone() "The role of [vendor] for this mode is not configured. No action is needed from [you]; [vendor] has been alerted."
    role_denied() "[Your] role denied access to [vendor]."
    role_denied_causes() "AWS returns the same error in four cases: the role does not exist, its trust policy names another principal, it requires another external ID, or a policy of [your] organization blocks access from outside."
    role_is_open(how) "[Your] role can be assumed {how}."
    role_is_open_danger() "The storage role of [vendor] also acts for other customers. Without the condition on sts:ExternalId, [another customer] who enters the name of [your] role could access [your] documents."
    role_trusts_other_role() "[Your] role can also be assumed by another role of [vendor]."
    role_trusts_other_role_danger() "The trust policy names more than the storage role of [vendor], such as its whole account or everyone. The external ID is then the only thing that keeps others out."
    other_role_cannot_assume() "Not tested, because the other role of [vendor] is not allowed to assume roles."

    /// Instead of the danger, when only the tenant's own previous external ID still works. In both modes.
    previous_id_accepted() "Only [your] own previous external ID still works, and no other customer has it. Remove it from the policy to complete the rotation."

    // Bucket
    no_such_bucket(bucket) "There is no bucket named {bucket}."
    bucket_in_account(account) "The bucket belongs to the account {account}."
    bucket_not_in_account(account) "The bucket does not belong to the account {account}."
    bucket_in_vendor_account(account) "The bucket is in the account {account}, which belongs to [vendor]."
    bucket_in_region(region) "The bucket is in {region}."
    bucket_in_other_region(real, submitted) "The bucket is in {real}, not in {submitted}."
    bucket_not_in_region(region) "The bucket is not in {region}."
    bucket_gives_no_access() "The bucket policy gives [vendor] no access."
    bucket_gives_no_access_causes() "Possible causes: the statements are missing, they name another role, one of their conditions is not met, or a Deny statement overrides them, here or in a policy of [your] organization."
    list_is_of_the_bucket(bucket) "s3:ListBucket applies to the bucket itself: its resource must be {bucket}, not {bucket}/* (a common mistake)."
    list_is_partial() "[Vendor] can list only part of the bucket."
    bucket_is_open(calls) "The bucket allowed calls that it must deny: {calls}."
    /// In the mode `direct`, for the bucket and the key.
    resource_is_open_danger() "The role of [vendor] also acts for other customers. Without the condition on aws:PrincipalTag/latchkey-external-id, [another customer] who enters the name of [your] bucket could access [your] documents."
    /// In the mode `assume_role`, for the bucket and the key.
    vendor_is_let_in_danger() "The roles of [vendor] also act for other customers. They need no access of their own: [vendor] assumes [your] role, which requires [your] external ID."
    bucket_is_public(actions) "Anyone on the internet can call {actions} on this bucket."
    bucket_is_public_danger() "These requests were made without credentials. For an object that is encrypted with a KMS key, the key is now the only protection against reading it."
    bucket_is_claimed() "This bucket or role is already used by [another customer]."
    public_access_not_blocked() "The bucket itself does not block all public access."
    acls_enabled() "ACLs are not disabled on the bucket."
    access_not_logged() "Access to the bucket is not logged by S3."

    // Key
    no_such_key() "There is no key with this ARN."
    key_gives_no_access() "The key policy gives [vendor] no access."
    key_gives_no_access_causes() "Possible causes: the statement is missing, it names another role, one of its conditions is not met (for example on kms:ViaService or kms:EncryptionContext), a Deny statement overrides it, or the account has no key with this ARN (AWS returns the same error)."
    key_may_not_exist() "AWS returns the same error if the account has no key with this ARN, so check the ARN as well."
    key_is_aws_managed() "The key is an AWS managed key, which cannot be shared with another account."
    key_spec_is(spec) "The key spec is {spec}; S3 supports symmetric keys only."
    key_usage_is(usage) "The key usage is {usage}, not encryption."
    key_is_disabled() "The key is disabled."
    key_pending_deletion() "The key is scheduled for deletion."
    key_pending_deletion_on(date) "The key is scheduled for deletion on {date}."
    key_state_is(state) "The key state is {state}."
    key_round_trip_failed() "Decrypting with the key did not return the bytes that were encrypted. No action is needed; the check will run again."
    key_is_open(calls) "The key allowed calls that it must deny: {calls}."

    // Probe object
    object_written() "[Vendor] wrote a probe object."
    object_read() "[Vendor] read the probe object."
    object_restorable() "[Vendor] may restore archived objects."
    object_deleted() "[Vendor] deleted the probe object."
    object_round_trip_failed() "The probe object did not contain the bytes that were written. No action is needed; the check will run again."
    uploads_need_headers() "The bucket policy denies uploads without encryption headers."
    encrypted_with_other_key() "Not checked, because the bucket encrypts with another key."
    object_encrypted() "The bucket encrypted the probe object with [your] key."
    object_encrypted_with(key) "The bucket encrypted the probe object with another key: {key}."
    bucket_encrypts_with_other_key() "The bucket's default encryption uses a different key than the submitted one."
    bucket_encrypts_with(algorithm) "The bucket encrypts with {algorithm}, not with a KMS key."
    key_denied_to_s3() "KMS does not allow S3 to use [your] key, although [vendor] may use it directly."
    read_only_can_write() "Credentials that [vendor] limited to reading can write to the bucket."
    prefix_is_left() "Credentials that [vendor] limited to a prefix can read objects outside of it."
    session_policy_has_no_effect() "[Vendor] limits its credentials with session policies. AWS does not apply them to access that a bucket policy grants to the principal * with a condition on aws:PrincipalArn, or to a session of the role."
    old_versions_kept() "The bucket keeps old versions of objects."
    old_versions_remain(bucket) "Deleted documents would be kept as old versions. A version of the probe object also remains under latchkey-probe/ in {bucket}."
}
