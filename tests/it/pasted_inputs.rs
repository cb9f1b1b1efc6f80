//! What people paste into the fields. Mistakes are recognized, a correction is suggested if it is certain enough, and no value
//! is corrected silently.

use std::collections::{BTreeMap, BTreeSet};

use latchkey::domain::approval::ApprovalPolicy;
use latchkey::domain::arn::RoleArn;
use latchkey::domain::external_id::ExternalId;
use latchkey::domain::storage_config::Mode;
use latchkey::domain::submission::Submission;
use latchkey::domain::vendor::Vendor;
use serde::Deserialize;

/// One entry of `tests/data/pasted_inputs.json`. All other fields of the submission are valid, unless `with_` says otherwise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    field: String,
    value: String,
    /// The code of the field's error. Without one, the value is accepted.
    code: Option<String>,
    /// The error has another code, which is of no interest.
    #[serde(default)]
    anycode: bool,
    /// The only value that may be suggested.
    suggestion: Option<String>,
    /// What the explanation contains.
    #[serde(default)]
    says: Vec<String>,
    /// Values of other fields.
    #[serde(default)]
    with_: BTreeMap<String, String>,
    /// The codes of the errors of other fields.
    #[serde(default)]
    also: BTreeMap<String, String>,
}

fn vendor() -> Vendor {
    Vendor {
        name: "Example Vendor".into(),
        storage_role: Some(RoleArn::parse("arn:aws:iam::111111111111:role/storage").unwrap()),
        direct_role: Some(RoleArn::parse("arn:aws:iam::111111111111:role/direct").unwrap()),
        advisory_checks: BTreeSet::new(),
        approval: ApprovalPolicy::default(),
        network: None,
        ..Vendor::unnamed()
    }
}

fn set(submission: &mut Submission, field: &str, value: &str) {
    let slot = match field {
        "mode" => &mut submission.mode,
        "bucket_arn" => &mut submission.bucket_arn,
        "bucket_region" => &mut submission.bucket_region,
        "key_arn" => &mut submission.key_arn,
        "role_arn" => &mut submission.role_arn,
        "bucket_account_id" => &mut submission.bucket_account_id,
        "external_id" => &mut submission.external_id,
        other => panic!("there is no field {other}"),
    };
    *slot = Some(value.to_owned());
}

fn good() -> Submission {
    let mut submission = Submission::default();
    for (field, value) in [
        ("mode", "assume_role"),
        ("bucket_arn", "arn:aws:s3:::acme-documents"),
        ("bucket_region", "eu-central-1"),
        (
            "key_arn",
            "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ),
        ("role_arn", "arn:aws:iam::222222222222:role/documents"),
    ] {
        set(&mut submission, field, value);
    }
    submission
}

/// What the case got wrong.
fn judge(case: &Case) -> Result<(), String> {
    let issued = [ExternalId::parse("lk-0123456789abcdef0123456789abcdef01234567").unwrap()];
    let modes = [Mode::AssumeRole, Mode::Direct];
    let mut submission = good();
    set(&mut submission, &case.field, &case.value);
    for (field, value) in &case.with_ {
        set(&mut submission, field, value);
    }
    let expects_error = case.code.is_some() || case.anycode;
    let errors = match submission.validate(&vendor(), &modes, Some(&issued)) {
        Ok(_) if expects_error => return Err("it was taken".into()),
        Ok(_) => return Ok(()),
        Err(errors) => errors,
    };
    let (own, others): (Vec<_>, Vec<_>) = errors.into_iter().partition(|error| error.field == case.field);
    let others: BTreeMap<String, String> = others.into_iter().map(|error| (error.field, error.code)).collect();
    // A key in another region is an error of the key, whichever field is wrong.
    if others != case.also {
        return Err(format!("errors of other fields: {others:?}"));
    }
    if !expects_error {
        return Err(format!("it was refused: {own:?}"));
    }
    let Some(error) = own.first() else {
        return Err("it has no error".into());
    };
    if case.code.as_ref().is_some_and(|code| *code != error.code) {
        return Err(format!("the code is {}: {}", error.code, error.detail));
    }
    if error.suggestion != case.suggestion {
        return Err(format!("the suggestion is {:?}: {}", error.suggestion, error.detail));
    }
    match case.says.iter().find(|words| !error.detail.contains(*words)) {
        Some(words) => Err(format!("it does not say {words:?}: {}", error.detail)),
        None => Ok(()),
    }
}

#[test]
fn pasted_inputs_are_recognized() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../data/pasted_inputs.json")).unwrap();
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let fault = judge(case).err()?;
            Some(format!("{} {:?}: {fault}", case.field, case.value))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// A suggestion that was accepted is valid, unless it shows another problem of the same value.
#[test]
fn an_accepted_suggestion_is_not_corrected_again() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../data/pasted_inputs.json")).unwrap();
    let issued = [ExternalId::parse("lk-0123456789abcdef0123456789abcdef01234567").unwrap()];
    for case in cases {
        let Some(suggestion) = &case.suggestion else { continue };
        let mut submission = good();
        set(&mut submission, &case.field, suggestion);
        let errors = submission
            .validate(&vendor(), &[Mode::AssumeRole], Some(&issued))
            .err()
            .unwrap_or_default();
        assert!(errors.iter().all(|error| error.suggestion.is_none()), "{suggestion}: {errors:?}");
    }
}
