//! S3.

use super::*;

#[rstest]
#[case(200, Some("eu-west-1"), Outcome::Granted(()))]
#[case(200, None, Outcome::Granted(()))]
#[case(301, Some("us-east-2"), Outcome::Misrouted)]
#[case(301, None, Outcome::Misrouted)]
#[case(400, Some("us-east-2"), Outcome::Misrouted)]
#[case(400, Some("eu-west-1"), Outcome::Unanswered)]
#[case(400, None, Outcome::Unanswered)]
#[case(403, Some("eu-west-1"), refused(DeniedBy::S3, DenialReason::Unsaid))]
#[case(403, Some("us-east-2"), refused(DeniedBy::S3, DenialReason::Unsaid))]
#[case(403, None, refused(DeniedBy::S3, DenialReason::Unsaid))]
#[case(404, None, Outcome::Absent)]
#[tokio::test]
async fn head_is_read_from_status_and_headers(#[case] status: u16, #[case] region: Option<&'static str>, #[case] expected: Outcome) {
    let headers: Vec<_> = region
        .map(|region| ("x-amz-bucket-region", region))
        .into_iter()
        .chain([("x-amz-request-id", "REQ1")])
        .collect();
    let stage = Stage::answering([answer(status, &headers, ""), answer(200, &[], "")]);
    let head = stage.aws.head_bucket(&bucket()).await;
    assert_eq!(head.outcome, expected);
    assert_eq!(head.exchange.bucket_region, region.map(|region| Region::parse(region).unwrap()));
    assert_eq!(
        (head.exchange.status, head.exchange.request_id.as_deref()),
        (Some(status), Some("REQ1"))
    );
    assert_eq!(head.exchange.operation, "s3:HeadBucket");
    // The redirect is evaluated, not followed.
    assert_eq!(stage.sent().len(), 1);
}

#[tokio::test]
async fn the_region_is_read_from_every_answer_of_s3() {
    let stage = Stage::answering([
        answer(200, &[("x-amz-bucket-region", "eu-west-1")], ""),
        s3_error(
            301,
            "PermanentRedirect",
            "The bucket you are attempting to access must be addressed using the specified endpoint.",
        ),
        s3_error(404, "NoSuchKey", "The specified key does not exist."),
    ]);
    let region = Some(Region::parse("eu-west-1").unwrap());
    let put = stage.aws.put_object(&bucket(), "k", vec![1], None, AT_LEISURE).await;
    assert_eq!(put.exchange.bucket_region, region);
    let list = stage.aws.list_objects(&bucket(), "p/").await;
    assert_eq!((list.outcome, list.exchange.bucket_region), (Outcome::Misrouted, region.clone()));
    let get = stage.aws.get_object(&bucket(), "k").await;
    assert_eq!((get.outcome, get.exchange.bucket_region), (Outcome::Absent, region));
    assert_eq!(get.exchange.code.as_deref(), Some("NoSuchKey"));
}

#[rstest]
#[case(412, "PreconditionFailed", Outcome::Granted(()))]
#[case(400, "BadDigest", Outcome::Granted(()))]
#[case(400, "InvalidArgument", Outcome::Unusable)]
#[case(403, "AccessDenied", refused(DeniedBy::S3, DenialReason::Unsaid))]
#[tokio::test]
async fn a_put_that_cannot_be_carried_out_proves_that_it_was_allowed(
    #[case] status: u16,
    #[case] code: &'static str,
    #[case] expected: Outcome,
) {
    let stage = Stage::answering([s3_error(status, code, "Denied")]);
    assert_eq!(stage.aws.try_put(&bucket(), "k").await.outcome, expected);
    let [sent] = &stage.sent()[..] else { panic!("one request is sent") };
    assert_eq!(sent.header("if-none-match"), Some("*"));
    assert_eq!(sent.header("content-md5"), Some("1B2M2Y8AsgTpgAmY7PhCfg=="));
    assert_ne!(sent.body, "", "the digest is that of an empty body");
}

#[rstest]
#[case("KMS.DisabledException", Outcome::Unusable)]
#[case("KMS.KMSInvalidStateException", Outcome::Unusable)]
#[case("KMS.NotFoundException", Outcome::Unusable)]
#[tokio::test]
async fn s3_reports_the_state_of_a_key(#[case] code: &str, #[case] expected: Outcome<StoredObject>) {
    let stage = Stage::answering([s3_error(400, code, "The key is as it is.")]);
    let put = stage.aws.put_object(&bucket(), "k", vec![1], None, AT_LEISURE).await;
    assert_eq!(put.outcome, expected);
    assert_eq!(put.exchange.code.as_deref(), Some(code));
}

#[tokio::test]
async fn denials_of_s3_and_kms_are_distinguished_by_the_text() {
    let user = "User: arn:aws:sts::123456789012:assumed-role/docs/latchkey-1 is not authorized to perform:";
    let by_s3 = format!(
        "{user} s3:GetObject on resource: &quot;arn:aws:s3:::docs/k&quot; because no identity-based policy allows the s3:GetObject action"
    );
    let by_kms = format!(
        "{user} kms:Decrypt on resource: &quot;{KEY}&quot; with an explicit deny in a resource-based policy: https://console.aws.amazon.com/x"
    );
    let stage = Stage::answering([s3_error(403, "AccessDenied", &by_s3), s3_error(403, "AccessDenied", &by_kms)]);
    let get = stage.aws.get_object(&bucket(), "k").await.map(drop);
    assert_eq!(get.outcome, refused(DeniedBy::S3, DenialReason::NotAllowedBy(PolicyKind::Identity)));
    let get = stage.aws.get_object(&bucket(), "k").await.map(drop);
    let expected = AccessDenied {
        by: DeniedBy::Kms,
        reason: DenialReason::DeniedBy(PolicyKind::Resource),
        key: Some(KEY.into()),
        action: Some("kms:Decrypt".into()),
        policy: None,
    };
    assert_eq!(get.outcome, Outcome::Refused(expected));
    assert!(!format!("{get:?}").contains("authorized"), "AWS's message is not kept");
}

#[tokio::test]
async fn a_put_names_the_owner_and_no_encryption() {
    let stored = [
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-aws-kms-key-id", KEY),
        ("x-amz-version-id", "null"),
    ];
    let stage = Stage::answering([answer(200, &stored, "")]);
    let put = stage
        .aws
        .put_object(&bucket(), "latchkey-probe/1", b"probe".to_vec(), None, AT_LEISURE)
        .await;
    let expected = StoredObject {
        encryption: Some("aws:kms".into()),
        key: Some(KEY.into()),
        version: Some("null".into()),
    };
    assert_eq!(put.granted(), Some(&expected));
    let sent = &stage.sent()[0];
    assert_eq!(sent.header("x-amz-expected-bucket-owner"), Some("123456789012"));
    assert!(
        !sent
            .headers
            .iter()
            .any(|(name, _)| name.starts_with("x-amz-server-side-encryption"))
    );
    assert!(
        sent.url.starts_with("https://docs.s3.eu-west-1.amazonaws.com/latchkey-probe/1"),
        "{}",
        sent.url
    );
    assert_eq!(sent.header("x-amz-security-token"), Some(SECRETS[2]));
    assert!(sent.header("authorization").unwrap().contains("/eu-west-1/s3/aws4_request"));
}

#[tokio::test]
async fn every_call_of_s3_names_the_owner_if_there_is_one() {
    let stage = Stage::answering((0..12).map(|_| answer(204, &[], "")));
    let any_owner = BucketCall { owner: None, ..bucket() };
    for call in [&bucket(), &any_owner] {
        stage.aws.head_bucket(call).await;
        stage.aws.list_objects(call, "p/").await;
        stage.aws.put_object(call, "k", vec![1], None, AT_LEISURE).await;
        stage.aws.get_object(call, "k").await;
        stage.aws.restore_object(call, "k").await;
        stage.aws.delete_object(call, "k").await;
    }
    let owners: Vec<bool> = stage
        .sent()
        .iter()
        .map(|sent| sent.header("x-amz-expected-bucket-owner") == Some("123456789012"))
        .collect();
    assert_eq!(owners, [[true; 6], [false; 6]].concat());
}

#[tokio::test]
async fn a_get_reads_little_more_than_a_probe() {
    let stage = Stage::answering([answer(200, &[], &"x".repeat(100_000)), answer(200, &[], "short")]);
    let long = stage.aws.get_object(&bucket(), "k").await;
    assert_eq!(long.granted().map(|long| long.body.len()), Some(4096));
    let short = stage.aws.get_object(&bucket(), "k").await;
    assert_eq!(short.granted().map(|short| short.body.as_slice()), Some(b"short".as_slice()));
}

#[rstest]
#[case(&[], None)]
#[case(&[("x-amz-replication-status", "PENDING")], Some(KeptVersions::Replication))]
#[case(&[("x-amz-replication-status", "COMPLETED"), ("x-amz-object-lock-mode", "COMPLIANCE")], Some(KeptVersions::ObjectLock))]
#[tokio::test]
async fn a_get_reveals_why_versions_are_kept(#[case] headers: &[(&'static str, &'static str)], #[case] expected: Option<KeptVersions>) {
    let stage = Stage::answering([answer(200, headers, "x")]);
    let get = stage.aws.get_object(&bucket(), "k").await;
    assert_eq!(get.granted().map(|object| object.shows), Some(expected));
}

const WITHOUT_CHECKSUM: &str = "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters";

#[rstest]
#[case(|| s3_error(400, "InvalidRequest", WITHOUT_CHECKSUM), refused(DeniedBy::S3, DenialReason::ObjectLock))]
#[case(|| s3_error(400, "InvalidRequest", "Missing required header for this request"), Outcome::Unusable)]
#[tokio::test]
async fn a_put_without_a_checksum_reveals_a_retention(#[case] answer: fn() -> HttpResponse, #[case] expected: Outcome) {
    let stage = Stage::answering([answer()]);
    let put = stage.aws.put_object(&bucket(), "k", vec![0], None, Duration::from_secs(5)).await;
    assert_eq!(put.map(drop).outcome, expected);
}

#[rstest]
#[case(|| answer(204, &[("x-amz-version-id", "v1")], ""), Outcome::Granted(()))]
#[case(
    || s3_error(403, "AccessDenied", "Access Denied because object protected by object lock."),
    refused(DeniedBy::S3, DenialReason::ObjectLock)
)]
#[case(
    || s3_error(403, "AccessDenied", "Mfa Authentication must be used for this request"),
    refused(DeniedBy::S3, DenialReason::MfaDelete)
)]
#[tokio::test]
async fn a_version_that_cannot_be_deleted_reveals_why(#[case] answer: fn() -> HttpResponse, #[case] expected: Outcome) {
    let stage = Stage::answering([answer()]);
    assert_eq!(stage.aws.delete_version(&bucket(), "k", "v1").await.outcome, expected);
    assert!(stage.sent()[0].url.contains("versionId=v1"));
}

#[rstest]
#[case(|| s3_error(403, "InvalidObjectState", "Restore is not allowed for the object's current storage class"), Outcome::Granted(()))]
#[case(|| s3_error(403, "ObjectAlreadyInActiveTierError", "This object is not archived"), Outcome::Granted(()))]
#[case(|| answer(202, &[], ""), Outcome::Granted(()))]
#[case(|| s3_error(403, "AccessDenied", "Access Denied"), refused(DeniedBy::S3, DenialReason::Unsaid))]
#[tokio::test]
async fn an_object_that_is_not_archived_proves_that_restoring_is_allowed(#[case] answer: fn() -> HttpResponse, #[case] expected: Outcome) {
    let stage = Stage::answering([answer()]);
    assert_eq!(stage.aws.restore_object(&bucket(), "k").await.outcome, expected);
}

#[tokio::test]
async fn a_delete_reveals_versioning() {
    let headers = [("x-amz-delete-marker", "true"), ("x-amz-version-id", "v1")];
    let stage = Stage::answering([answer(204, &headers, ""), answer(204, &[], "")]);
    let marked = stage.aws.delete_object(&bucket(), "k").await;
    let expected = DeletedObject {
        marker: true,
        version: Some("v1".into()),
    };
    assert_eq!(marked.granted(), Some(&expected));
    let gone = stage.aws.delete_object(&bucket(), "k").await;
    let expected = DeletedObject {
        marker: false,
        version: None,
    };
    assert_eq!(gone.granted(), Some(&expected));
}

#[tokio::test]
async fn path_style_is_a_setting() {
    let wire = StaticReplayClient::new(vec![ReplayEvent::new(HttpRequest::empty(), answer(200, &[], ""))]);
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(SdkRegion::from_static("eu-central-1"))
        .endpoint_url("http://127.0.0.1:4566")
        .http_client(wire.clone())
        .build();
    let aws = AwsCloud::from_config(&config, AwsOptions { s3_path_style: true }, MockClock::new().shared());
    assert!(aws.head_bucket(&bucket()).await.granted().is_some());
    let sent = wire.actual_requests().next().unwrap().uri().to_owned();
    assert!(sent.starts_with("http://127.0.0.1:4566/docs"), "{sent}");
}
