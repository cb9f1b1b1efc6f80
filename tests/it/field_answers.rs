//! Answers that AWS gave in the field, each with the check that has to tell it, who has to act, and where.

use latchkey::domain::check::{CheckName, CheckStatus, FaultSide};
use latchkey::domain::fix::FixDocument;
use latchkey::domain::message::Audience;
use latchkey::domain::storage_config::Mode;
use latchkey::verifier::RunReport;
use rstest::rstest;

use crate::recorded::{told, verify_recorded, verify_recorded_in, verify_recorded_of};
use crate::recorded_aws::{
    BUCKET, CLIENT_ROLE, Call, KEY, RecordedAws, Reply, UNREACHABLE, VENDOR_ROLE, Who, described, kms_error, refused_by_kms, refused_by_s3,
    refused_by_sts, s3_error, stored_with, sts_error,
};

type Script = fn(&Call) -> Option<Reply>;

/// The vendor's role assumes the customer's.
fn assumes(call: &Call, reply: impl FnOnce() -> Reply) -> Option<Reply> {
    (call.operation == "sts:AssumeRole" && call.assumes(CLIENT_ROLE)).then(reply)
}

fn on(call: &Call, operation: &str, reply: impl FnOnce() -> Reply) -> Option<Reply> {
    (call.who == Who::Tenant && call.operation == operation).then(reply)
}

fn put_by_default(call: &Call, reply: impl FnOnce() -> Reply) -> Option<Reply> {
    if call.with_header { None } else { on(call, "s3:PutObject", reply) }
}

fn sts_denies(clause: &str) -> Reply {
    refused_by_sts(&format!(
        "User: {VENDOR_ROLE} is not authorized to perform: sts:AssumeRole on resource: {CLIENT_ROLE}{clause}"
    ))
}

fn simulated(call: &Call, decision: &str) -> Option<Reply> {
    (call.operation == "iam:SimulatePrincipalPolicy").then(|| {
        Reply::new(
            200,
            format!(
                "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><SimulatePrincipalPolicyResult>\
                 <EvaluationResults><member><EvalActionName>sts:AssumeRole</EvalActionName><EvalDecision>{decision}</EvalDecision></member>\
                 </EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
            ),
        )
    })
}

fn no_simulator(call: &Call) -> Option<Reply> {
    (call.operation == "iam:SimulatePrincipalPolicy").then(|| sts_error(403, "AccessDenied", "no"))
}

fn s3_denies(clause: &str) -> Reply {
    refused_by_s3(&format!(
        "User: arn:aws:sts::222222222222:assumed-role/documents/x is not authorized to perform: s3:PutObject on resource: \
         \"arn:aws:s3:::{BUCKET}/latchkey-probe/this\"{clause}"
    ))
}

const RCP: &str = " with an explicit deny in a resource control policy, with policy ARN: \
                   arn:aws:organizations::777788889999:policy/o-exampleorgid/resource_control_policy/p-examplepolicyid";

/// What a row expects of the check.
#[derive(Debug, Clone, Copy)]
enum Told {
    /// The customer has to change this.
    Customer(FixDocument),
    Vendor,
    Aws,
}

use Told::{Aws, Customer, Vendor};

/// Where a check's finding is in the report.
fn of(report: &RunReport, check: CheckName) -> usize {
    let at = report.findings.iter().position(|finding| finding.check == check);
    at.unwrap_or_else(|| panic!("{check} was not made"))
}

fn check_told(report: &RunReport, check: CheckName, expected: Told, words: &str) {
    let finding = &report.findings[of(report, check)];
    let document = finding.fix.as_ref().map(|fix| fix.document);
    match expected {
        Customer(expected) => {
            assert_eq!(
                (finding.status, finding.side, document),
                (CheckStatus::Failed, Some(FaultSide::Customer), Some(expected)),
                "{}",
                told(report)
            );
            let failed = report.findings.iter().filter(|finding| finding.status == CheckStatus::Failed);
            assert_eq!(failed.count(), 1, "one cause is one failure:\n{}", told(report));
        }
        Vendor | Aws => {
            let side = if matches!(expected, Vendor) {
                FaultSide::Vendor
            } else {
                FaultSide::Aws
            };
            assert_eq!(
                (finding.status, finding.side),
                (CheckStatus::Inconclusive, Some(side)),
                "{}",
                told(report)
            );
            let failed = report.findings.iter().filter(|finding| finding.status == CheckStatus::Failed);
            assert_eq!(failed.count(), 0, "{}", told(report));
        }
    }
    let fix = finding
        .fix
        .as_ref()
        .map(|fix| fix.summary.render(Audience::Customer, "Nimbus Docs"));
    let detail = finding
        .detail
        .as_ref()
        .map(|detail| detail.render(Audience::Customer, "Nimbus Docs"));
    let said = format!(
        "{} {} {}",
        finding.summary.render(Audience::Customer, "Nimbus Docs"),
        detail.unwrap_or_default(),
        fix.unwrap_or_default()
    );
    assert!(said.contains(words), "{said}");
}

/// The role cannot be assumed.
#[rstest]
#[case::the_vendors_role_lacks_the_permission(|call: &Call| simulated(call, "implicitDeny").or_else(|| assumes(call, || sts_denies(""))), Vendor, "configuration problem")]
#[case::the_trust_policy_denies(|call: &Call| assumes(call, || sts_denies("")), Customer(FixDocument::TrustPolicy), "session name")]
#[case::the_simulator_cannot_be_asked(|call: &Call| no_simulator(call).or_else(|| assumes(call, || sts_denies(""))), Customer(FixDocument::TrustPolicy), "whether its own role is allowed")]
#[case::the_old_form(|call: &Call| assumes(call, || refused_by_sts("Not authorized to perform sts:AssumeRole")), Customer(FixDocument::TrustPolicy), "MFA")]
#[case::identity_policy_in_one_organization(|call: &Call| assumes(call, || sts_denies(" because no identity-based policy allows the sts:AssumeRole action")), Customer(FixDocument::TrustPolicy), "another principal")]
#[case::identity_policy(|call: &Call| simulated(call, "implicitDeny").or_else(|| assumes(call, || sts_denies(" because no identity-based policy allows the sts:AssumeRole action"))), Vendor, "configuration problem")]
#[case::trust_policy_by_name(|call: &Call| assumes(call, || sts_denies(" because no role trust policy allows the sts:AssumeRole action")), Customer(FixDocument::TrustPolicy), "another principal")]
#[case::explicit_deny_of_the_vendor(|call: &Call| assumes(call, || sts_denies(" with an explicit deny in an identity-based policy")), Vendor, "configuration problem")]
#[case::boundary_of_the_vendor(|call: &Call| assumes(call, || sts_denies(" because no permissions boundary allows the sts:AssumeRole action")), Vendor, "configuration problem")]
#[case::service_control_policy_of_the_vendor(|call: &Call| assumes(call, || sts_denies(" with an explicit deny in a service control policy")), Vendor, "configuration problem")]
#[case::vpc_endpoint_of_the_vendor(|call: &Call| assumes(call, || sts_denies(" because no VPC endpoint policy allows the sts:AssumeRole action")), Vendor, "configuration problem")]
#[case::resource_control_policy(|call: &Call| assumes(call, || sts_denies(RCP)), Customer(FixDocument::OrganizationPolicy), "aws:PrincipalOrgID")]
#[case::sts_inactive_for_the_customer(|call: &Call| assumes(call, || sts_error(403, "RegionDisabledException", "STS is not activated in this region for account:222222222222. Your account administrator can activate STS in this region using the IAM Console.")), Customer(FixDocument::AccountSettings), "In the account 222222222222, activate the AWS STS endpoint for eu-central-1")]
#[case::sts_inactive_for_nobody_named(|call: &Call| assumes(call, || sts_error(403, "RegionDisabledException", "STS is not activated in this region for account:XYZ.")), Vendor, "configuration problem")]
#[tokio::test(start_paused = true)]
async fn a_role_that_cannot_be_assumed(#[case] script: Script, #[case] expected: Told, #[case] words: &str) {
    let report = verify_recorded(RecordedAws::but(script), Mode::AssumeRole).await;
    check_told(&report, CheckName::ClientRoleAssumable, expected, words);
}

#[tokio::test(start_paused = true)]
async fn the_denying_policy_is_named() {
    let report = verify_recorded(RecordedAws::but(|call| assumes(call, || sts_denies(RCP))), Mode::AssumeRole).await;
    let fix = report.findings[of(&report, CheckName::ClientRoleAssumable)].fix.as_ref().unwrap();
    let policy = fix.policy.as_ref().unwrap();
    assert_eq!(
        policy.console_url(),
        "https://console.aws.amazon.com/organizations/v2/home/policies/resource-control-policy/p-examplepolicyid"
    );
}

/// The probe object cannot be put.
#[rstest]
#[case::the_bucket_retains_objects(|call: &Call| on(call, "s3:PutObject", || s3_error(400, "InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters")), CheckName::VersioningDisabled, Customer(FixDocument::BucketVersioning), "Object Lock")]
#[case::our_request_is_wrong(|call: &Call| on(call, "s3:PutObject", || s3_error(400, "InvalidRequest", "Missing required header for this request")), CheckName::ObjectWritable, Vendor, "InvalidRequest")]
#[case::the_account_is_new(|call: &Call| on(call, "s3:PutObject", || s3_error(403, "NotSignedUp", "Your account is not signed up for the S3 service.")), CheckName::ObjectWritable, Aws, "NotSignedUp")]
#[case::an_unknown_code(|call: &Call| on(call, "s3:PutObject", || s3_error(400, "SomethingNew", "Something new")), CheckName::ObjectWritable, Aws, "SomethingNew")]
#[case::the_account_has_a_problem(|call: &Call| on(call, "s3:PutObject", || s3_error(403, "AccountProblem", "There is a problem with your AWS account")), CheckName::ObjectWritable, Customer(FixDocument::BucketSettings), "AWS Support")]
#[case::the_organization_wants_headers(|call: &Call| put_by_default(call, || s3_denies(" with an explicit deny in a service control policy")), CheckName::ObjectWritable, Customer(FixDocument::OrganizationPolicy), "s3:x-amz-server-side-encryption")]
#[case::a_resource_control_policy_wants_headers(|call: &Call| put_by_default(call, || s3_denies(" with an explicit deny in a resource control policy")), CheckName::ObjectWritable, Customer(FixDocument::OrganizationPolicy), "resource control policy")]
#[case::the_bucket_wants_headers(|call: &Call| put_by_default(call, || s3_denies(" with an explicit deny in a resource-based policy")), CheckName::ObjectWritable, Customer(FixDocument::BucketPolicy), "default encryption already serves")]
#[case::headers_or_another_key(|call: &Call| put_by_default(call, || refused_by_s3("Access Denied")), CheckName::ObjectWritable, Customer(FixDocument::BucketPolicy), "uses another key")]
#[case::a_deny_without_a_kind(|call: &Call| on(call, "s3:PutObject", || s3_denies(" with an explicit deny")), CheckName::ObjectWritable, Customer(FixDocument::BucketPolicy), "AWS does not say where")]
#[case::the_key_was_just_enabled(|call: &Call| on(call, "s3:PutObject", || s3_error(400, "KMS.DisabledException", "arn is disabled.")), CheckName::EncryptedWithKey, Aws, "take a few seconds to reach S3")]
#[case::kms_throttles_direct_calls(|call: &Call| on(call, "kms:Encrypt", || kms_error("ThrottlingException", "Rate exceeded")).or_else(|| on(call, "s3:PutObject", || refused_by_s3(&format!("User: x is not authorized to perform: kms:GenerateDataKey on this resource {UNREACHABLE}")))), CheckName::KeyEncryptAllowed, Aws, "ThrottlingException")]
#[case::the_key_denies_s3_only(|call: &Call| on(call, "s3:PutObject", || refused_by_s3(&format!("User: x is not authorized to perform: kms:GenerateDataKey on this resource {UNREACHABLE}"))), CheckName::EncryptedWithKey, Customer(FixDocument::KeyPolicy), "kms:EncryptionContext:aws:s3:arn")]
#[case::the_key_store_is_away(|call: &Call| on(call, "kms:DescribeKey", || { let mut key = described("Enabled"); key["KeyMetadata"]["Origin"] = "EXTERNAL_KEY_STORE".into(); Reply::new(200, key.to_string()) }).or_else(|| on(call, "kms:Encrypt", || kms_error("KMSInvalidStateException", "The external key store proxy is not reachable."))).or_else(|| on(call, "s3:PutObject", || s3_error(400, "KMS.KMSInvalidStateException", "not reachable"))), CheckName::KeySuitable, Customer(FixDocument::KeySettings), "custom key store")]
#[case::a_deny_of_the_key_without_a_kind(|call: &Call| on(call, "kms:GenerateDataKey", || refused_by_kms("kms:GenerateDataKey", "with an explicit deny")), CheckName::KeyGenerateDataKeyAllowed, Customer(FixDocument::KeyPolicy), "kms:ViaService")]
#[tokio::test(start_paused = true)]
async fn a_put_that_is_stopped(#[case] script: Script, #[case] check: CheckName, #[case] expected: Told, #[case] words: &str) {
    let report = verify_recorded(RecordedAws::but(script), Mode::AssumeRole).await;
    check_told(&report, check, expected, words);
}

/// `direct`: the bucket denies the vendor's role everything.
#[rstest]
#[case::requester_pays(|call: &Call| (call.operation.starts_with("s3:") && !call.pays).then(|| refused_by_s3("Access Denied")), "Turn off Requester Pays")]
#[case::closed(|call: &Call| call.operation.starts_with("s3:").then(|| if call.operation == "s3:HeadBucket" { Reply::new(403, "") } else { s3_error(403, "AllAccessDisabled", "All access to this object has been disabled") }), "AllAccessDisabled")]
#[case::anything_else(|call: &Call| call.operation.starts_with("s3:").then(|| refused_by_s3("Access Denied")), "RestrictPublicBuckets")]
#[tokio::test(start_paused = true)]
async fn a_bucket_that_denies_everything(#[case] script: Script, #[case] words: &str) {
    let report = verify_recorded(RecordedAws::but(script), Mode::Direct).await;
    let document = if words == "RestrictPublicBuckets" {
        FixDocument::BucketPolicy
    } else {
        FixDocument::BucketSettings
    };
    check_told(&report, CheckName::BucketListable, Customer(document), words);
}

/// A region that an account has to enable does not accept its sessions.
#[rstest]
#[case(Mode::Direct, FaultSide::Vendor)]
#[case(Mode::AssumeRole, FaultSide::Customer)]
#[tokio::test(start_paused = true)]
async fn a_region_that_the_account_has_not_enabled(#[case] mode: Mode, #[case] side: FaultSide) {
    let script: Script = |call| {
        (call.who == Who::Tenant && call.operation.starts_with("kms:")).then(|| {
            kms_error(
                "UnrecognizedClientException",
                "The security token included in the request is invalid",
            )
        })
    };
    let report = verify_recorded_in("eu-south-1", RecordedAws::but(script), mode).await;
    let finding = &report.findings[of(&report, CheckName::KeyDescribable)];
    assert_eq!(
        (finding.status, finding.side),
        (CheckStatus::Inconclusive, Some(side)),
        "{}",
        told(&report)
    );
    let elsewhere = verify_recorded(RecordedAws::but(script), mode).await;
    let finding = &elsewhere.findings[of(&elsewhere, CheckName::KeyDescribable)];
    assert_eq!(finding.side, Some(FaultSide::Aws), "a matter of seconds:\n{}", told(&elsewhere));
}

/// An error of S3's own does not prove that the bucket let the put in.
#[tokio::test(start_paused = true)]
async fn a_rejected_put_of_others_is_no_breach() {
    let script: Script = |call| {
        (call.who != Who::Tenant && call.operation == "s3:PutObject").then(|| s3_error(400, "InvalidRequest", "Missing required header"))
    };
    for mode in [Mode::Direct, Mode::AssumeRole] {
        let report = verify_recorded(RecordedAws::but(script), mode).await;
        assert!(report.findings.iter().all(|finding| !finding.is_breach()), "{}", told(&report));
        assert_eq!(
            report.findings[of(&report, CheckName::BucketNotPublic)].status,
            CheckStatus::Inconclusive
        );
    }
}

/// The customer's bucket and key are in two accounts of its own. What its bucket encrypts with a key of the bucket's account is still its own.
#[rstest]
#[case("333333333333", false)]
#[case("444444444444", true)]
#[tokio::test(start_paused = true)]
async fn only_a_key_of_a_third_account_is_a_breach(#[case] account: &'static str, #[case] breach: bool) {
    let aws = RecordedAws::but(move |call| {
        let key = KEY.replace("222222222222", account).replace("1234abcd", "99999999");
        on(call, "s3:PutObject", || stored_with(&key))
    });
    let report = verify_recorded_of("333333333333", aws, Mode::Direct).await;
    let finding = &report.findings[of(&report, CheckName::EncryptedWithKey)];
    assert_eq!(
        (finding.status, finding.is_breach()),
        (CheckStatus::Failed, breach),
        "{}",
        told(&report)
    );
}
