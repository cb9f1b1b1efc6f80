//! What `check-config --aws` finds out about the vendor's own roles: all is well with the issued documents, and each fault is found.

use aws_sdk_sts::types::Tag;
use latchkey::cloud::aws::{AwsCloud, AwsOptions};
use latchkey::domain::arn::{BucketName, RoleArn};
use latchkey::domain::region::Region;
use latchkey::domain::vendor::Vendor;
use latchkey::domain::vendor_network::{VendorNetwork, VpcEndpoints};
use latchkey::service::check_vendor::{ReportStatus, VendorReport, VendorSetup, check_vendor};
use latchkey::service::credential_cache::SessionRates;
use rstest::rstest;
use serde_json::{Value, json};

use super::vendor_template::{DIRECT, Fresh, PROCESS, STORAGE, harmless, trust};
use crate::support::aws::{Account, REGION, World, sdk_config};
use crate::support::clock::clock;

const OPT_IN: &str = "eu-south-1";

async fn check(world: &World, buckets: &[&str], regions: &[&str]) -> Vec<VendorReport> {
    let config = sdk_config(&world.endpoint, &world.latchkey).await;
    let cloud = AwsCloud::from_config(&config, AwsOptions { s3_path_style: true }, clock());
    let vendor = Vendor {
        storage_role: Some(RoleArn::parse(&world.storage_role).unwrap()),
        direct_role: Some(RoleArn::parse(&world.direct_role).unwrap()),
        ..Vendor::unnamed()
    };
    let own_buckets: Vec<_> = buckets.iter().map(|bucket| BucketName::parse(bucket).unwrap()).collect();
    let regions: Vec<_> = regions.iter().map(|region| Region::parse(region).unwrap()).collect();
    let setup = VendorSetup {
        vendor: &vendor,
        own_buckets: &own_buckets,
        regions: &regions,
        rates: Some(SessionRates { process: 100, token: 50 }),
    };
    check_vendor(&cloud, setup, &clock()).await
}

/// The reports that are not as they should be.
fn problems(reports: &[VendorReport]) -> Vec<(&str, ReportStatus)> {
    let fine = |report: &&VendorReport| !matches!(report.status, ReportStatus::Passed | ReportStatus::Note);
    let problems = reports.iter().filter(fine);
    problems.map(|report| (report.subject.as_str(), report.status)).collect()
}

fn sentence<'a>(reports: &'a [VendorReport], subject: &str) -> &'a str {
    let report = reports.iter().find(|report| report.subject == subject);
    &report.unwrap_or_else(|| panic!("{subject} is not in {reports:?}")).sentence
}

fn document(documents: &[Value], name: &str) -> Value {
    documents.iter().find(|document| document["document"] == name).unwrap().clone()
}

/// Allows the process these actions on a role, without conditions.
async fn open(fresh: &Fresh, role: &str, actions: &[&str]) {
    let process = format!("arn:aws:iam::{}:role/{PROCESS}", fresh.home.id);
    let statement = json!({"Effect": "Allow", "Action": actions, "Principal": {"AWS": process}});
    trust(
        &fresh.world.vendor,
        role,
        &json!({"Version": "2012-10-17", "Statement": [statement]}),
    )
    .await;
}

const BY_OTHER_ROLE: &str = "customers' roles, by the customer-facing role";

#[tokio::test(flavor = "multi_thread")]
async fn the_issued_documents_pass_every_check() {
    let fresh = Fresh::in_one_account().await;
    fresh.apply_all().await;
    let bucket = fresh.world.vendor.create_bucket().await;
    let elsewhere = fresh.world.vendor.create_bucket_in("eu-west-1").await;
    let reports = check(&fresh.world, &[&bucket, &elsewhere], &[REGION, OPT_IN]).await;
    assert_eq!(problems(&reports), [], "{reports:#?}");
    let subjects: Vec<&str> = reports.iter().map(|report| report.subject.as_str()).collect();
    let account = &fresh.world.vendor.id;
    let expected = [
        "process",
        "clock",
        "storage role",
        "storage role, inherited",
        "customers' roles",
        "customer-facing role",
        "customer-facing role, inherited",
        "customer-facing role, with a tag",
        "customer-facing role, with another tag",
        "customer-facing role, with another value",
        BY_OTHER_ROLE,
        &format!("own bucket {bucket}, storage role"),
        &format!("own bucket {bucket}, customer-facing role"),
        &format!("own bucket {elsewhere}, storage role"),
        &format!("own bucket {elsewhere}, customer-facing role"),
        &format!("region {REGION}, account {account}"),
        &format!("region {OPT_IN}, account {account}"),
        "STS quota",
    ];
    assert_eq!(subjects, expected);
}

#[rstest]
#[case::answers(true, ReportStatus::Passed)]
#[case::silent(false, ReportStatus::Unanswered)]
#[tokio::test]
async fn the_proxy_outside_of_the_network_is_asked(#[case] answers: bool, #[case] expected: ReportStatus) {
    let world = World::new().await;
    let network = VendorNetwork {
        source_ips: vec!["52.57.10.20/32".parse().unwrap()],
        endpoints: VpcEndpoints::These(Vec::new()),
        is_probed: true,
    };
    let vendor = Vendor {
        network: Some(network),
        ..Vendor::unnamed()
    };
    let connect = async |endpoint: &str| {
        let config = sdk_config(endpoint, &world.latchkey).await;
        AwsCloud::from_config(&config, AwsOptions { s3_path_style: true }, clock())
    };
    let outside = connect(if answers { &world.endpoint } else { "http://127.0.0.1:9" }).await;
    let cloud = connect(&world.endpoint).await.with_outside(outside);
    let setup = VendorSetup {
        vendor: &vendor,
        own_buckets: &[],
        regions: &[],
        rates: None,
    };
    let reports = check_vendor(&cloud, setup, &clock()).await;
    let found = reports.iter().find(|report| report.subject == "network").unwrap();
    assert_eq!(found.status, expected, "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_role_that_may_not_assume_customers_roles_is_found() {
    let fresh = Fresh::in_one_account().await;
    let documents = fresh.apply_all().await;
    let mut without = document(&documents, "storage-role-permissions");
    without["body"]["Statement"][0] = harmless("storage-role-permissions", &fresh.world.customer.id);
    fresh.apply(&without).await;
    let reports = check(&fresh.world, &[], &[]).await;
    assert_eq!(problems(&reports), [("customers' roles", ReportStatus::Failed)], "{reports:#?}");
    let remedy = sentence(&reports, "customers' roles");
    assert!(remedy.contains("latchkey vendor template"), "{remedy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_role_that_may_not_assume_customers_roles_is_a_warning() {
    let fresh = Fresh::in_one_account().await;
    let documents = fresh.apply_all().await;
    let mut without = document(&documents, "direct-role-permissions");
    let statements = without["body"]["Statement"].as_array_mut().unwrap();
    statements.retain(|statement| statement["Sid"] != "LatchkeyCustomerRoles");
    fresh.apply(&without).await;
    let reports = check(&fresh.world, &[], &[]).await;
    assert_eq!(problems(&reports), [(BY_OTHER_ROLE, ReportStatus::Warning)], "{reports:#?}");
}

/// STS does not say it, and IAM was not allowed to be asked.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_policy_simulator_customers_roles_are_unknown() {
    let fresh = Fresh::in_one_account().await;
    let documents = fresh.apply_all().await;
    let mut without = document(&documents, "process-permissions");
    let statements = without["body"]["Statement"].as_array_mut().unwrap();
    statements.retain(|statement| statement["Sid"] != "LatchkeySimulation");
    fresh.apply(&without).await;
    let reports = check(&fresh.world, &[], &[]).await;
    let unknown = [("customers' roles", ReportStatus::Unknown), (BY_OTHER_ROLE, ReportStatus::Unknown)];
    assert_eq!(problems(&reports), unknown, "{reports:#?}");
    let reason = sentence(&reports, "customers' roles");
    assert!(reason.contains("iam:SimulatePrincipalPolicy"), "{reason}");
}

/// IAM knows only roles of the caller's account.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_in_another_account_cannot_simulate() {
    let fresh = Fresh::in_two_accounts().await;
    fresh.apply_all().await;
    let (home, vendor) = (&fresh.home, &fresh.world.vendor);
    disable_region(&fresh.world.endpoint, vendor).await;
    let reports = check(&fresh.world, &[], &[OPT_IN]).await;
    let expected = [
        ("customers' roles", ReportStatus::Unknown),
        (BY_OTHER_ROLE, ReportStatus::Unknown),
        (&format!("region {OPT_IN}, account {}", vendor.id), ReportStatus::Failed),
    ];
    assert_eq!(problems(&reports), expected, "{reports:#?}");
    let enabled = sentence(&reports, &format!("region {OPT_IN}, account {}", home.id));
    assert_eq!(enabled, "It is enabled.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_identity_of_the_process_is_found() {
    let mut fresh = Fresh::in_one_account().await;
    fresh.apply_all().await;
    fresh.restart(|assuming| assuming.source_identity("jane.doe")).await;
    let reports = check(&fresh.world, &[], &[]).await;
    for role in ["storage role", "customer-facing role"] {
        let inherited = format!("{role}, inherited");
        assert!(problems(&reports).contains(&(role, ReportStatus::Failed)), "{reports:#?}");
        assert!(problems(&reports).contains(&(&inherited, ReportStatus::Failed)), "{reports:#?}");
        assert!(sentence(&reports, &inherited).contains("sts:SetSourceIdentity"), "{reports:#?}");
    }

    open(&fresh, STORAGE, &["sts:AssumeRole", "sts:SetSourceIdentity"]).await;
    let reports = check(&fresh.world, &[], &[]).await;
    assert_eq!(
        sentence(&reports, "storage role"),
        format!("{} can be assumed.", fresh.world.storage_role)
    );
    assert!(
        problems(&reports).contains(&("storage role, inherited", ReportStatus::Failed)),
        "{reports:#?}"
    );
    let found = sentence(&reports, "storage role, inherited");
    assert!(found.contains("the source identity jane.doe"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn transitive_tags_of_the_process_are_found() {
    let mut fresh = Fresh::in_one_account().await;
    fresh.apply_all().await;
    let key = "kubernetes-namespace";
    let tag = Tag::builder().key(key).value("default").build().unwrap();
    fresh.restart(|assuming| assuming.tags(tag).transitive_tag_keys(key)).await;
    let failed = ("storage role, inherited", ReportStatus::Failed);
    let denied = check(&fresh.world, &[], &[]).await;
    assert!(problems(&denied).contains(&("storage role", ReportStatus::Failed)), "{denied:#?}");
    assert!(problems(&denied).contains(&failed), "{denied:#?}");

    open(&fresh, STORAGE, &["sts:AssumeRole", "sts:TagSession"]).await;
    let allowed = check(&fresh.world, &[], &[]).await;
    assert!(
        !problems(&allowed).contains(&("storage role", ReportStatus::Failed)),
        "{allowed:#?}"
    );
    assert!(problems(&allowed).contains(&failed), "{allowed:#?}");
    let remedy = sentence(&allowed, failed.0);
    assert!(remedy.contains("disableSessionTags"), "{remedy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trust_policy_that_allows_other_tags_is_a_warning() {
    let fresh = Fresh::in_one_account().await;
    fresh.apply_all().await;
    open(&fresh, DIRECT, &["sts:AssumeRole", "sts:TagSession"]).await;
    let reports = check(&fresh.world, &[], &[]).await;
    let expected = [
        ("customer-facing role, with another tag", ReportStatus::Warning),
        ("customer-facing role, with another value", ReportStatus::Warning),
    ];
    assert_eq!(problems(&reports), expected, "{reports:#?}");

    open(&fresh, DIRECT, &["sts:AssumeRole"]).await;
    let reports = check(&fresh.world, &[], &[]).await;
    let expected = [
        ("customer-facing role, with a tag", ReportStatus::Failed),
        ("customer-facing role, with another tag", ReportStatus::Unknown),
        ("customer-facing role, with another value", ReportStatus::Unknown),
    ];
    assert_eq!(problems(&reports), expected, "{reports:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_bucket_within_reach_is_found() {
    let fresh = Fresh::in_one_account().await;
    let documents = fresh.apply_all().await;
    let bucket = fresh.world.vendor.create_bucket().await;
    let mut wide = document(&documents, "direct-role-permissions");
    for statement in wide["body"]["Statement"].as_array_mut().unwrap() {
        statement.as_object_mut().unwrap().remove("Condition");
    }
    fresh.apply(&wide).await;
    let reports = check(&fresh.world, &[&bucket, "latchkey-no-such-bucket"], &[]).await;
    let expected = [
        (format!("own bucket {bucket}, customer-facing role"), ReportStatus::Failed),
        ("own bucket latchkey-no-such-bucket, storage role".into(), ReportStatus::Unknown),
        (
            "own bucket latchkey-no-such-bucket, customer-facing role".into(),
            ReportStatus::Unknown,
        ),
    ];
    let expected: Vec<_> = expected.iter().map(|(subject, status)| (subject.as_str(), *status)).collect();
    assert_eq!(problems(&reports), expected, "{reports:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_is_not_enabled_is_found() {
    let fresh = Fresh::in_one_account().await;
    fresh.apply_all().await;
    disable_region(&fresh.world.endpoint, &fresh.world.vendor).await;
    let reports = check(&fresh.world, &[], &[REGION, OPT_IN]).await;
    let subject = format!("region {OPT_IN}, account {}", fresh.world.vendor.id);
    assert_eq!(problems(&reports), [(subject.as_str(), ReportStatus::Failed)], "{reports:#?}");
    let remedy = sentence(&reports, &subject);
    assert!(remedy.contains("aws account enable-region --region-name eu-south-1"), "{remedy}");
}

/// <https://docs.aws.amazon.com/accounts/latest/APIReference/API_DisableRegion.html>
async fn disable_region(endpoint: &str, account: &Account) {
    let scope = format!("AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/account/aws4_request", account.id);
    let sending = reqwest::Client::new().post(format!("{endpoint}/disableRegion"));
    let sending = sending.header("authorization", scope).json(&json!({"RegionName": OPT_IN}));
    let sent = sending.send().await.expect("the stand-in answers");
    assert_eq!(sent.status(), 200);
}
