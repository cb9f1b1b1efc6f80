use rstest::rstest;

use super::*;
use crate::domain::arn::BucketName;

const KEY: &str = "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn vendor() -> Vendor {
    Vendor {
        storage_role: Some(RoleArn::parse("arn:aws:iam::111111111111:role/storage").unwrap()),
        ..Vendor::unnamed()
    }
}

/// The error of a field whose form says nothing else.
fn alone(field: ArnField, text: &str) -> Malformed {
    let vendor = vendor();
    let around = FormContext {
        vendor: &vendor,
        account: None,
        region: None,
    };
    explain(field, text, field.parse(text).unwrap_err(), around)
}

fn offered(field: ArnField, text: &str) -> Option<String> {
    let vendor = vendor();
    let account = AccountId::parse("222222222222").unwrap();
    let region = Region::parse("eu-central-1").unwrap();
    let around = FormContext {
        vendor: &vendor,
        account: Some(&account),
        region: Some(&region),
    };
    explain(field, text, field.parse(text).err()?, around).suggestion
}

#[rstest]
#[case(ArnField::Key, "1234abcd-12ab-34cd-56ef-1234567890ab", "key ID")]
#[case(ArnField::Role, "documents", "role's name")]
#[case(
    ArnField::Role,
    "https://us-east-1.console.aws.amazon.com/iam/home#/roles/details/documents",
    "web address"
)]
fn without_an_account_nothing_is_offered(#[case] field: ArnField, #[case] text: &str, #[case] kind: &str) {
    let fault = alone(field, text);
    assert_eq!(fault.suggestion, None);
    assert!(fault.detail.contains(kind), "{}", fault.detail);
}

#[rstest]
#[case(r#"{"Principal": {"AWS": "arn:aws:iam::111111111111:role/storage"}}"#)]
#[case("arn:aws:sts::111111111111:assumed-role/storage/latchkey")]
#[case("Vendor role: arn:aws:iam::111111111111:role/storage")]
fn what_is_the_vendors_is_never_offered(#[case] text: &str) {
    assert_eq!(alone(ArnField::Role, text).suggestion, None);
}

#[test]
fn the_customers_role_is_found_beside_the_vendors() {
    let policy = r#"{"Principal": {"AWS": ["arn:aws:iam::111111111111:role/storage", "arn:aws:iam::222222222222:role/documents"]}}"#;
    let found = alone(ArnField::Role, policy).suggestion;
    assert_eq!(found.as_deref(), Some("arn:aws:iam::222222222222:role/documents"));
}

#[rstest]
#[case("arn:aws:s3:::acme-documents", "ARN")]
#[case("arn:aws:s3:::acme-documents/*", "name")]
#[case("s3://acme-documents/x", "S3 URI")]
#[case("https://acme-documents.s3.amazonaws.com/", "web address")]
#[case("acme-documents/landing/", "prefix")]
#[case("Bucket: acme-documents", "label")]
#[case("Acme-Documents", "March 2018")]
fn the_field_for_a_buckets_name_offers_a_name(#[case] text: &str, #[case] words: &str) {
    let vendor = vendor();
    let around = FormContext {
        vendor: &vendor,
        account: None,
        region: None,
    };
    let fault = explain_bucket_name(text, BucketName::parse(text).unwrap_err(), around);
    assert_eq!(fault.suggestion.as_deref(), Some("acme-documents"), "{}", fault.detail);
    assert!(
        fault.detail.contains(words) && !fault.detail.contains("not an ARN"),
        "{}",
        fault.detail
    );
}

#[rstest]
#[case("arn:aws:iam::222222222222:role/team/documents")]
#[case("https://us-east-1.console.aws.amazon.com/iam/home#/roles/details/documents?section=permissions")]
#[case("arn:aws:sts::222222222222:assumed-role/documents/somebody")]
#[case("role/documents")]
fn the_field_for_a_roles_name_offers_a_name(#[case] text: &str) {
    let vendor = vendor();
    let around = FormContext {
        vendor: &vendor,
        account: None,
        region: None,
    };
    let fault = explain_role_name(text, RoleName::parse(text).unwrap_err(), around);
    assert_eq!(fault.suggestion.as_deref(), Some("documents"), "{}", fault.detail);
}

#[test]
fn a_long_line_may_have_been_broken_anywhere() {
    let role = "arn:aws:iam::222222222222:role/service-role/a-rather-long-name-of-a-role-for-documents";
    let (first, rest) = role.split_at(70);
    assert_eq!(offered(ArnField::Role, &format!("{first}\n{rest}")).as_deref(), Some(role));
    let short = "arn:aws:iam::222222222222:role/documents";
    assert_eq!(offered(ArnField::Role, &format!("{short}\nDone")).as_deref(), Some(short));
}

proptest::proptest! {
    #[test]
    fn suggestions_are_always_valid_arns(text in "\\PC{0,80}", which in 0..3_usize) {
        let field = [ArnField::Bucket, ArnField::Key, ArnField::Role][which];
        if let Some(arn) = offered(field, &text) {
            proptest::prop_assert!(field.is_arn(&arn));
        }
    }

    #[test]
    fn parts_of_mistakes_never_panic(start in "(arn:aws:(s3|kms|iam|sts):|s3://|https://|\\{\"|Bucket: |key/|role/)", tail in "\\PC{0,40}", which in 0..3_usize) {
        let field = [ArnField::Bucket, ArnField::Key, ArnField::Role][which];
        if let Some(arn) = offered(field, &format!("{start}{tail}")) {
            proptest::prop_assert!(field.is_arn(&arn));
        }
    }
}

#[test]
fn a_valid_arn_is_not_a_mistake() {
    let vendor = vendor();
    let around = FormContext {
        vendor: &vendor,
        account: None,
        region: None,
    };
    assert_eq!(recognize(ArnField::Key, KEY, around), None);
}
