//! Every fix, judged by the evaluator of policies: applied to documents that lack exactly what was denied, it allows exactly what the
//! complete documents allow.

use serde_json::{Value, json};

use super::*;
use crate::domain::fix::{Fix, FixAction, FixDocument};
use crate::domain::templates::policy_eval::{AccessDecision, PolicyCaller, allow};
use crate::domain::templates::sid::SidSuffix;
use crate::domain::templates::statements::TAG;
use crate::domain::templates::{TemplateParams, json};
use crate::domain::vendor_network::CallOrigin;

/// The policies of a tenant, as they are applied in AWS.
#[derive(Debug, Clone, PartialEq)]
struct Policies {
    /// `assume_role`: the permissions of the role.
    role: Value,
    bucket: Value,
    key: Value,
}

impl Policies {
    fn issued(params: &TemplateParams) -> Self {
        let documents = json::documents(params).documents;
        let body = |wanted: FixDocument| {
            let found = documents.iter().find(|document| document.document == wanted);
            found.map(|document| document.body.clone())
        };
        Self {
            role: body(FixDocument::RolePermissions).unwrap_or_else(|| json!({"Statement": []})),
            bucket: body(FixDocument::BucketPolicy).unwrap(),
            // Without the statement of the account's root, which grants nothing to a role by itself.
            key: json!({"Statement": [body(FixDocument::KeyPolicy)]}),
        }
    }

    fn each(&mut self) -> [&mut Value; 3] {
        [&mut self.role, &mut self.bucket, &mut self.key]
    }

    fn without(mut self, action: &str) -> Self {
        for policy in self.each() {
            let statements = policy["Statement"].as_array_mut().unwrap();
            for statement in statements.iter_mut() {
                if let Some(actions) = statement["Action"].as_array_mut() {
                    actions.retain(|other| other != action);
                }
            }
            statements.retain(|statement| statement["Action"] != json!([]));
        }
        self
    }

    /// As the fix says: its statements are added, each replacing the one with its Sid.
    fn with(mut self, fix: &Fix) -> Self {
        let policy = match fix.document {
            FixDocument::RolePermissions => &mut self.role,
            FixDocument::BucketPolicy => &mut self.bucket,
            FixDocument::KeyPolicy => &mut self.key,
            other => panic!("{other} has no statements"),
        };
        let statements = policy["Statement"].as_array_mut().unwrap();
        let wanted = fix.statement.clone().expect("the fix has a statement");
        for wanted in wanted.as_array().cloned().unwrap_or_else(|| vec![wanted]) {
            statements.retain(|statement| statement["Sid"] != wanted["Sid"]);
            statements.push(wanted);
        }
        match &fix.also {
            Some(also) => self.with(also),
            None => self,
        }
    }

    /// What AWS decides about a call: in the same account one policy has to allow it, and across accounts both.
    fn decide(&self, params: &TemplateParams, action: &str, resource: &str, tags: &[&str]) -> AccessDecision {
        let role = params.role.as_ref().unwrap_or(&params.vendor_role);
        let caller = PolicyCaller {
            role,
            tags: tags.to_vec(),
            tag: TAG,
            actions: vec![action.to_owned()],
            resources: vec![resource.to_owned()],
            resource_account: None,
            region: None,
            origin: CallOrigin::Anywhere,
            now: DateTime::UNIX_EPOCH,
            has_variables: true,
        };
        let of_role = {
            let mut policy = self.role.clone();
            for statement in policy["Statement"].as_array_mut().unwrap() {
                statement["Principal"] = json!({"AWS": role});
            }
            policy
        };
        let of_resource = if action.starts_with("kms:") { &self.key } else { &self.bucket };
        if params.mode == Mode::AssumeRole && params.bucket_is_elsewhere() && action.starts_with("s3:") {
            allow(&[&of_role], &caller).min(allow(&[of_resource], &caller))
        } else {
            allow(&[&of_role, of_resource], &caller)
        }
    }

    /// The decisions about what the documents are for, and about what they must not allow.
    fn decide_all(&self, params: &TemplateParams, tags: &[&str]) -> Vec<(&'static str, AccessDecision)> {
        let bucket = "arn:aws:s3:::acme-documents";
        let objects = "arn:aws:s3:::acme-documents/*";
        let calls = [
            ("s3:GetObject", objects),
            ("s3:PutObject", objects),
            ("s3:RestoreObject", objects),
            ("s3:DeleteObject", objects),
            ("s3:ListBucket", bucket),
            ("kms:Encrypt", KEY),
            ("kms:Decrypt", KEY),
            ("kms:ReEncryptFrom", KEY),
            ("kms:ReEncryptTo", KEY),
            ("kms:GenerateDataKey", KEY),
            ("kms:GenerateDataKeyWithoutPlaintext", KEY),
            ("kms:DescribeKey", KEY),
            ("s3:GetObjectVersion", objects),
            ("s3:PutBucketPolicy", bucket),
            ("s3:GetObject", "arn:aws:s3:::other-documents/*"),
            ("kms:CreateGrant", KEY),
            ("kms:PutKeyPolicy", KEY),
        ];
        calls
            .into_iter()
            .map(|(action, resource)| (action, self.decide(params, action, resource, tags)))
            .collect()
    }
}

fn params_of(subject: &VerificationSubject) -> TemplateParams {
    TemplateParams {
        sid_suffix: Some(SidSuffix::of(subject.tenant)),
        ..TemplateParams::of_storage(&subject.storage, subject.vendor_role.clone(), subject.accepted_ids.clone())
    }
}

/// Every operation of a verification with the action of the documents that allows it.
const OPERATIONS: [(&str, &str); 10] = [
    ("s3:ListBucket", "s3:ListBucket"),
    ("s3:PutObject", "s3:PutObject"),
    ("s3:GetObject", "s3:GetObject"),
    ("s3:RestoreObject", "s3:RestoreObject"),
    ("s3:DeleteObject", "s3:DeleteObject"),
    ("kms:Encrypt", "kms:Encrypt"),
    ("kms:Decrypt", "kms:Decrypt"),
    ("kms:ReEncrypt", "kms:ReEncrypt*"),
    ("kms:GenerateDataKey", "kms:GenerateDataKey*"),
    ("kms:DescribeKey", "kms:DescribeKey"),
];

/// The checks that fail without one of these actions.
const CHECKS: [CheckName; 10] = [
    CheckName::BucketListable,
    CheckName::ObjectWritable,
    CheckName::ObjectReadable,
    CheckName::ObjectRestorable,
    CheckName::ObjectDeletable,
    CheckName::KeyEncryptAllowed,
    CheckName::KeyDecryptAllowed,
    CheckName::KeyReencryptAllowed,
    CheckName::KeyGenerateDataKeyAllowed,
    CheckName::KeyDescribable,
];

#[rstest]
#[case::direct(Mode::Direct, DenialReason::Unsaid, false)]
#[case::direct_with_a_reason(Mode::Direct, DenialReason::NotAllowedBy(PolicyKind::Resource), false)]
#[case::assume_role(Mode::AssumeRole, DenialReason::Unsaid, false)]
#[case::assume_role_with_a_reason(Mode::AssumeRole, DenialReason::NotAllowedBy(PolicyKind::Identity), false)]
#[case::across_accounts(Mode::AssumeRole, DenialReason::Unsaid, true)]
#[tokio::test(start_paused = true)]
async fn a_fix_allows_again_exactly_what_was_denied(#[case] mode: Mode, #[case] reason: DenialReason, #[case] bucket_elsewhere: bool) {
    let mut subject = subject(mode);
    if bucket_elsewhere {
        subject.storage.bucket_account = AccountId::parse("333333333333").unwrap();
    }
    let params = params_of(&subject);
    let own = subject.external_id.as_str();
    let complete = Policies::issued(&params);
    let expected = complete.decide_all(&params, &[own]);
    let allowed = expected.iter().filter(|(_, decision)| *decision == AccessDecision::Yes).count();
    assert_eq!(allowed, 12, "the documents allow what they are for: {expected:?}");

    let mut judged = HashSet::new();
    for (operation, action) in OPERATIONS {
        let lacking = complete.clone().without(action);
        let denied = lacking.decide_all(&params, &[own]);
        for ((call, before), (_, after)) in expected.iter().zip(&denied) {
            let is_removed = call.starts_with(action.trim_end_matches('*')) && (action.ends_with('*') || *call == action);
            let expected = if is_removed { AccessDecision::No } else { *before };
            assert_eq!(*after, expected, "{call} without {action}");
        }
        let cloud = Scripted {
            refused: Some(operation),
            reason,
            ..Scripted::new()
        };
        let report = verify(&cloud, &subject, &CancellationToken::new()).await;
        let failed: Vec<_> = report
            .findings
            .iter()
            .filter(|finding| finding.status == CheckStatus::Failed)
            .collect();
        assert!(!failed.is_empty(), "{operation}");
        for finding in failed {
            let fix = finding.fix.as_ref().expect("a failure has a fix");
            assert_eq!(
                lacking.clone().with(fix).decide_all(&params, &[own]),
                expected,
                "{operation}: {}: {fix:?}",
                finding.check
            );
            judged.insert(finding.check);
        }
    }
    assert_eq!(judged, HashSet::from(CHECKS));
}

/// A key policy without the condition allows the role of the vendor for every tenant.
#[tokio::test(start_paused = true)]
async fn a_fix_denies_again_whom_it_is_about() {
    let subject = subject(Mode::Direct);
    let params = params_of(&subject);
    let own = subject.external_id.as_str();
    let complete = Policies::issued(&params);
    let mut open = complete.clone();
    for statement in open.key["Statement"].as_array_mut().unwrap() {
        statement.as_object_mut().unwrap().shift_remove("Condition");
    }
    let others: [&[&str]; 2] = [&[], &["lk-ffffffffffffffffffffffffffffffffffffffff"]];
    assert!(
        others
            .iter()
            .all(|tags| open.decide_all(&params, tags) != complete.decide_all(&params, tags))
    );

    let cloud = Scripted {
        open: true,
        ..Scripted::new()
    };
    let report = verify(&cloud, &subject, &CancellationToken::new()).await;
    let finding = report
        .findings
        .iter()
        .find(|finding| finding.check == CheckName::KeyRequiresExternalId);
    let fix = finding.and_then(|finding| finding.fix.as_ref()).expect("the check has failed");
    assert_eq!((fix.document, fix.action), (FixDocument::KeyPolicy, FixAction::Replace));
    let closed = open.with(fix);
    for tags in others.into_iter().chain([&[own][..]]) {
        assert_eq!(closed.decide_all(&params, tags), complete.decide_all(&params, tags));
    }
}
