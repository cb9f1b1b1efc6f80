//! STS: sessions of the vendor's own roles and of customers' roles.

use super::*;

#[tokio::test]
async fn each_kind_of_session_has_its_parameters() {
    let stage = Stage::answering((0..4).map(|_| sts_success()));
    let aws = &stage.aws;
    assert!(aws.tagged_session(&role(), &external_id(), &name(), None).await.granted().is_some());
    let client = aws.client_session(&session(), &role(), Some(&external_id()), &name(), None).await;
    assert!(client.granted().is_some());
    assert!(
        aws.client_session(&session(), &role(), None, &name(), None)
            .await
            .granted()
            .is_some()
    );
    assert!(aws.untagged_session(&role()).await.granted().is_some());

    let sent = stage.sent();
    let [tagged, client, without, untagged] = sent.as_slice() else {
        panic!("four calls were made");
    };
    let says = |sent: &Sent, what: &str| sent.body.split('&').any(|pair| pair == what);
    assert!(says(tagged, "Tags.member.1.Key=latchkey-external-id") && says(tagged, "Tags.member.1.Value=lk-3f1c9a5e7b2d4860"));
    assert!(says(tagged, "RoleSessionName=latchkey-00000000-0000-0000-0000-000000000000"));
    assert!(says(client, "ExternalId=lk-3f1c9a5e7b2d4860"));
    assert!(says(untagged, "RoleSessionName=latchkey") && says(untagged, "DurationSeconds=3600"));
    for sent in [tagged, client, without] {
        assert!(says(sent, "DurationSeconds=900"));
    }
    for (sent, has_tag, has_id) in [
        (tagged, true, false),
        (client, false, true),
        (without, false, false),
        (untagged, false, false),
    ] {
        assert_eq!(
            (sent.body.contains("Tags."), sent.body.contains("ExternalId")),
            (has_tag, has_id),
            "{}",
            sent.body
        );
        assert!(!sent.body.contains("TransitiveTagKeys"));
        assert!(sent.url.starts_with("https://sts.eu-central-1.amazonaws.com"), "{}", sent.url);
    }
    let signed_by = |sent: &Sent, id: &str| sent.header("authorization").unwrap().contains(id);
    assert!(signed_by(tagged, "AKIAPROCESS") && signed_by(untagged, "AKIAPROCESS"));
    assert!(signed_by(client, SECRETS[0]) && signed_by(without, SECRETS[0]));
}

#[tokio::test]
async fn the_vendors_own_sessions_are_cached_and_failures_are_not() {
    let stage = Stage::answering([sts_error(403, "AccessDenied", "Access denied"), sts_success()]);
    assert!(stage.aws.storage_session(&role()).await.is_refused_by(DeniedBy::Sts));
    for _ in 0..3 {
        assert!(stage.aws.storage_session(&role()).await.granted().is_some());
    }
    assert_eq!(stage.sent().len(), 2);
}

#[tokio::test]
async fn sts_reveals_which_side_denies() {
    let message = "User: arn:aws:sts::1:assumed-role/storage/s is not authorized to perform: sts:AssumeRole on resource: \
                   arn:aws:iam::210987654321:role/docs because no identity-based policy allows the sts:AssumeRole action";
    let stage = Stage::answering([
        sts_error(403, "AccessDenied", message),
        sts_error(403, "ExpiredToken", "The token expired"),
    ]);
    let refusal = stage.aws.client_session(&session(), &role(), None, &name(), None).await;
    assert_eq!(
        refusal.map(drop).outcome,
        refused(DeniedBy::Sts, DenialReason::NotAllowedBy(PolicyKind::Identity))
    );
    let expired = stage.aws.client_session(&session(), &role(), None, &name(), None).await;
    assert!(expired.is_unanswered());
}

#[tokio::test]
async fn a_session_never_shows_its_secrets() {
    let stage = Stage::answering([sts_success()]);
    let assumed = stage.aws.storage_session(&role()).await;
    let shown = format!("{assumed:?} {:#?} {:?} {:?}", session(), bucket(), key());
    for secret in SECRETS {
        assert!(!shown.contains(secret));
    }
}
