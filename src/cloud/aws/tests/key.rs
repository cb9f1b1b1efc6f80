//! KMS.

use super::*;

#[tokio::test]
async fn dry_runs_are_dry_and_granted_by_their_error() {
    let would_work = || kms_error(412, "DryRunOperationException", "The request would have succeeded.");
    let stage = Stage::answering((0..5).map(|_| would_work()));
    let aws = &stage.aws;
    assert_eq!(aws.encrypt(&key(), b"1", CallMode::Dry).await.outcome, Outcome::Granted(Vec::new()));
    assert_eq!(aws.decrypt(&key(), b"1", CallMode::Dry).await.outcome, Outcome::Granted(Vec::new()));
    assert_eq!(aws.reencrypt(&key(), b"1").await.outcome, Outcome::Granted(()));
    assert_eq!(aws.generate_data_key(&key()).await.outcome, Outcome::Granted(()));
    let last = aws.generate_data_key_without_plaintext(&key()).await;
    assert_eq!(last.outcome, Outcome::Granted(()));
    assert_eq!(last.exchange.operation, "kms:GenerateDataKeyWithoutPlaintext");
    assert_eq!(last.exchange.code.as_deref(), Some("DryRunOperationException"));
    assert_eq!(last.exchange.request_id.as_deref(), Some("REQ2"));
    let sent = stage.sent();
    assert_eq!(sent.len(), 5);
    for sent in &sent {
        assert_eq!(sent.json()["DryRun"], json!(true));
        assert!(sent.url.starts_with("https://kms.eu-west-1.amazonaws.com"));
    }
    let context = json!({"latchkey": "probe"});
    let reencrypt = sent[2].json();
    assert_eq!(
        (&reencrypt["SourceKeyId"], &reencrypt["DestinationKeyId"]),
        (&json!(KEY), &json!(KEY))
    );
    assert_eq!(reencrypt["SourceEncryptionContext"], context);
    assert_eq!(reencrypt["DestinationEncryptionContext"], context);
    assert_eq!(sent[0].json()["EncryptionContext"], context);
    assert_eq!(sent[1].json()["EncryptionContext"], context);
}

#[tokio::test]
async fn a_real_run_is_real() {
    let stage = Stage::answering([
        answer(200, &[], &json!({"CiphertextBlob": "Y2lwaGVy", "KeyId": KEY}).to_string()),
        answer(200, &[], &json!({"Plaintext": "cGxhaW4=", "KeyId": KEY}).to_string()),
    ]);
    assert_eq!(
        stage.aws.encrypt(&key(), b"plain", CallMode::Real).await.outcome,
        Outcome::Granted(b"cipher".to_vec())
    );
    assert_eq!(
        stage.aws.decrypt(&key(), b"cipher", CallMode::Real).await.outcome,
        Outcome::Granted(b"plain".to_vec())
    );
    for sent in stage.sent() {
        assert_eq!(sent.json().get("DryRun"), None);
        assert_eq!(sent.json()["KeyId"], json!(KEY));
    }
}

#[tokio::test]
async fn kms_denials_have_status_400() {
    let text = format!(
        "User: arn:aws:sts::1:assumed-role/docs/s is not authorized to perform: kms:Encrypt on resource: {KEY} because no resource-based \
         policy allows the kms:Encrypt action"
    );
    let stage = Stage::answering([kms_error(400, "AccessDeniedException", &text)]);
    let encrypt = stage.aws.encrypt(&key(), b"1", CallMode::Real).await;
    let refusal = encrypt.refusal().unwrap();
    assert_eq!(
        (refusal.by, refusal.reason),
        (DeniedBy::Kms, DenialReason::NotAllowedBy(PolicyKind::Resource))
    );
    assert_eq!(
        (refusal.key.as_deref(), refusal.action.as_deref()),
        (Some(KEY), Some("kms:Encrypt"))
    );
}

#[tokio::test]
async fn a_key_is_described() {
    let metadata = json!({"KeyMetadata": {
        "KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab", "Arn": KEY, "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT",
        "KeyUsage": "ENCRYPT_DECRYPT", "KeyState": "PendingDeletion", "DeletionDate": 1_900_000_000.0,
    }});
    let stage = Stage::answering([
        answer(200, &[], &metadata.to_string()),
        kms_error(400, "NotFoundException", "Key is not there"),
    ]);
    let described = stage.aws.describe_key(&key()).await;
    let expected = KeyFacts {
        customer_managed: true,
        spec: "SYMMETRIC_DEFAULT".into(),
        usage: "ENCRYPT_DECRYPT".into(),
        state: "PendingDeletion".into(),
        deletion_at: DateTime::from_timestamp(1_900_000_000, 0),
        in_custom_store: false,
    };
    assert_eq!(described.granted(), Some(&expected));
    assert_eq!(stage.aws.describe_key(&key()).await.outcome, Outcome::Absent);
}
