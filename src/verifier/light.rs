//! A light re-verification: at most five calls, none of which changes anything.

use futures::future::{OptionFuture, join3};
use sha2::{Digest, Sha256};

use crate::cloud::{AwsSession, BucketCall, CallMode, Cloud, KeyCall, SessionName};
use crate::domain::api_result::ApiResult;
use crate::domain::arn::RoleArn;
use crate::domain::evidence::RoundTrip;
use crate::domain::reverification::DueReverification;
use crate::domain::reverification::light::LightEvidence;
use crate::domain::storage_config::{Access, Storage};

/// Assumes the roles, and then, at once, calls the bucket and the key and decrypts the kept ciphertext.
pub async fn light(cloud: &dyn Cloud, vendor_role: &RoleArn, due: &DueReverification) -> LightEvidence {
    let mut evidence = LightEvidence::default();
    let name = SessionName::of_tenant(due.tenant);
    let Some(session) = assume(cloud, vendor_role, due, &name, &mut evidence).await else {
        return evidence;
    };
    let bucket = BucketCall {
        session: Some(session.clone()),
        bucket: due.storage.bucket.name().clone(),
        region: due.storage.region.clone(),
        owner: Some(due.storage.bucket_account.clone()),
        pays: false,
    };
    let key = KeyCall {
        session,
        key: due.storage.key.clone(),
    };
    let decrypt = due.ciphertext.as_ref().map(|kept| async {
        let answer = cloud.decrypt(&key, &kept.ciphertext, CallMode::Real).await;
        answer.map(|plaintext| {
            if Sha256::digest(&plaintext).as_slice() == kept.plaintext_sha256 {
                RoundTrip::Same
            } else {
                RoundTrip::Different
            }
        })
    });
    let (answer, described, decrypted) = join3(
        call_bucket(cloud, &bucket, &due.storage),
        cloud.describe_key(&key),
        OptionFuture::from(decrypt),
    )
    .await;
    evidence.bucket = Some(answer);
    evidence.describe_key = Some(described);
    evidence.decrypt = decrypted;
    evidence
}

/// The call that shows most: a read of the sample object, or the list that the storage's prefix allows.
async fn call_bucket(cloud: &dyn Cloud, bucket: &BucketCall, storage: &Storage) -> ApiResult {
    match (&storage.sample_object, &storage.prefix) {
        (Some(sample), _) => cloud.read_sample(bucket, sample).await.map(drop),
        (None, Some(_)) => cloud.list_objects(bucket, &storage.probe_prefix()).await,
        (None, None) => cloud.head_bucket(bucket).await,
    }
}

/// The session that production uses.
async fn assume(
    cloud: &dyn Cloud,
    vendor_role: &RoleArn,
    due: &DueReverification,
    name: &SessionName,
    evidence: &mut LightEvidence,
) -> Option<AwsSession> {
    let split = |answer: ApiResult<AwsSession>| (answer.granted().cloned(), Some(answer.map(drop)));
    let session;
    match &due.storage.access {
        Access::AssumeRole { role } => {
            let vendor;
            (vendor, evidence.vendor_role) = split(cloud.storage_session(vendor_role).await);
            let assumed = cloud.client_session(&vendor?, role, Some(&due.external_id), name, None).await;
            (session, evidence.client_role) = split(assumed);
        }
        Access::Direct => {
            let tagged = cloud.tagged_session(vendor_role, &due.external_id, name, None).await;
            (session, evidence.vendor_role) = split(tagged);
        }
    }
    session
}
