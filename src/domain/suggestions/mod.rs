//! "Did you mean": recognizes common mistakes in the fields for ARNs and names. A suggestion is part of the field's error. It
//! is shown to the user and never applied automatically.

mod arn_like;
mod bucket;
mod key;
mod pasted;
mod prefix;
mod role;
#[cfg(test)]
mod tests;
mod url;

use super::account::AccountId;
use super::arn::{BucketArn, KeyArn, RoleArn, RoleName};
use super::partition::Partition;
use super::region::Region;
use super::text::Malformed;
use super::vendor::Vendor;
use pasted::Pasted;
pub(crate) use prefix::{explain_prefix, prefix_in};

/// The fields in which common mistakes are recognized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ArnField {
    Bucket,
    Key,
    Role,
}

impl ArnField {
    fn is_arn(self, text: &str) -> bool {
        match self {
            Self::Bucket => BucketArn::parse(text).is_ok(),
            Self::Key => KeyArn::parse(text).is_ok(),
            Self::Role => RoleArn::parse(text).is_ok(),
        }
    }

    fn parse(self, text: &str) -> Result<(), Malformed> {
        match self {
            Self::Bucket => BucketArn::parse(text).map(drop),
            Self::Key => KeyArn::parse(text).map(drop),
            Self::Role => RoleArn::parse(text).map(drop),
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Bucket => "arn:aws:s3:::my-bucket",
            Self::Key => "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            Self::Role => "arn:aws:iam::123456789012:role/my-role",
        }
    }
}

/// What the other fields say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FormContext<'a> {
    pub vendor: &'a Vendor,
    /// The customer's account. A name, a key ID or a console's address does not contain it.
    pub account: Option<&'a AccountId>,
    /// The bucket's region.
    pub region: Option<&'a Region>,
}

impl FormContext<'_> {
    fn partition(&self) -> Partition {
        self.vendor.partition()
    }

    /// Whether the ARN names something of the vendor's, which is never the customer's.
    fn is_vendors(&self, field: ArnField, arn: &str) -> bool {
        match field {
            ArnField::Bucket => false,
            ArnField::Key => KeyArn::parse(arn).is_ok_and(|key| self.vendor.refuses_account(key.account())),
            ArnField::Role => RoleArn::parse(arn).is_ok_and(|role| self.vendor.owns_role(&role)),
        }
    }

    fn may_offer(&self, field: ArnField, arn: &str) -> bool {
        field.is_arn(arn) && !self.is_vendors(field, arn)
    }
}

/// What a text is instead of the ARN that the field requires.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Recognized {
    /// The end of a sentence that starts with "This is".
    kind: &'static str,
    /// The ARN that follows from the text. It need not be valid.
    arn: Option<String>,
    /// What is wrong with the name in it, although an ARN is offered.
    wrong: Option<Malformed>,
    /// It is almost the ARN, so the parser knows best what is wrong with it.
    is_close: bool,
}

impl Recognized {
    fn new(kind: &'static str, arn: Option<String>) -> Self {
        Self {
            kind,
            arn,
            wrong: None,
            is_close: false,
        }
    }
}

/// The error of a field for an ARN, with what the text is, and the ARN that was probably meant.
pub(crate) fn explain(field: ArnField, text: &str, malformed: Malformed, around: FormContext) -> Malformed {
    let Some(recognized) = recognize(field, text, around) else {
        return malformed;
    };
    let offer = recognized.arn.as_deref().filter(|arn| around.may_offer(field, arn));
    let explained = if recognized.is_close && malformed.code != "not_an_arn" {
        malformed
    } else {
        let name = if recognized.kind.contains("ARN") { "" } else { ", not an ARN" };
        let kind = format!("this is {}{name}", recognized.kind);
        let wrong = recognized.wrong.or_else(|| field.parse(recognized.arn.as_deref()?).err());
        match wrong {
            Some(wrong) => Malformed::new(wrong.code, format!("{kind}; {}", wrong.detail)),
            None if offer.is_none() => Malformed::new(malformed.code, format!("{kind}; enter one such as {}", field.example())),
            None => Malformed::new(malformed.code, kind),
        }
    };
    match offer {
        Some(arn) => explained.suggest(arn),
        None => explained,
    }
}

/// The error of a field for a bucket's name, into which its ARN or its address was entered.
pub(crate) fn explain_bucket_name(text: &str, malformed: Malformed, around: FormContext) -> Malformed {
    if let Ok(arn) = BucketArn::parse(text) {
        return Malformed::new(malformed.code, "this is the bucket's ARN; only its name is needed here").suggest(arn.name().as_str());
    }
    let Some(recognized) = recognize(ArnField::Bucket, text, around) else {
        return malformed;
    };
    let name = recognized.arn.as_deref().and_then(|arn| BucketArn::parse(arn).ok());
    let Some(name) = name else { return malformed };
    let explained = match malformed.code {
        "malformed_bucket_name" => {
            let kind = if recognized.kind.starts_with("not ") {
                "more than the bucket's name"
            } else {
                recognized.kind
            };
            Malformed::new(malformed.code, format!("this is {kind}; only the bucket's name is needed here"))
        }
        _ => malformed,
    };
    explained.suggest(name.name().as_str())
}

/// The error of a field for a role's name, into which its ARN or its address was entered.
pub(crate) fn explain_role_name(text: &str, malformed: Malformed, around: FormContext) -> Malformed {
    // Any account will do: only the name is offered.
    let any = AccountId::parse("000000000000").ok();
    let around = FormContext {
        account: any.as_ref(),
        ..around
    };
    let (kind, arn) = if RoleArn::parse(text).is_ok() {
        ("the role's ARN", text.to_owned())
    } else {
        match recognize(ArnField::Role, text, around) {
            Some(Recognized { kind, arn: Some(arn), .. }) => (kind, arn),
            _ => return malformed,
        }
    };
    match RoleArn::parse(&arn) {
        Ok(role) if !around.vendor.owns_role(&role) && RoleName::parse(role.name().as_str()).is_ok() => {
            Malformed::new(malformed.code, format!("this is {kind}; only the role's name is needed here")).suggest(role.name().as_str())
        }
        _ => malformed,
    }
}

/// The only ARN for this field in a text that was pasted into other ones, such as a script's whole output.
pub(crate) fn pasted_elsewhere(field: ArnField, texts: &[&str], around: FormContext) -> Option<String> {
    let mut found: Vec<String> = Vec::new();
    for text in texts {
        for arn in Pasted::new(text).arns(field, around) {
            if !found.contains(&arn) {
                found.push(arn);
            }
        }
    }
    only(found)
}

fn only(mut found: Vec<String>) -> Option<String> {
    (found.len() == 1).then(|| found.swap_remove(0))
}

fn recognize(field: ArnField, text: &str, around: FormContext) -> Option<Recognized> {
    let text = text.trim();
    if text.is_empty() || field.is_arn(text) {
        return None;
    }
    let pasted = Pasted::new(text);
    let arns = pasted.arns(field, around);
    if pasted.is_json() {
        let kind = if text.contains("\"Statement\"") {
            "a policy document"
        } else {
            "JSON"
        };
        return Some(Recognized::new(kind, only(arns).or_else(|| pasted.labelled(field, around))));
    }
    if let Some(recognized) = whole(field, &pasted, &arns) {
        return Some(recognized);
    }
    if let [word] = pasted.words().as_slice() {
        // A list without spaces: several ARNs.
        if arns.len() < 2
            && let Some(recognized) = word_of(field, word, around)
        {
            return Some(Recognized {
                is_close: true,
                ..recognized
            });
        }
    } else if let Some(arn) = pasted.labelled(field, around).filter(|_| arns.is_empty()) {
        return Some(Recognized::new("a text with a label or several values", Some(arn)));
    }
    match arns.len() {
        0 => None,
        1 if pasted.is_nested() => Some(Recognized {
            is_close: true,
            ..Recognized::new("an ARN with another one in it", only(arns))
        }),
        1 => Some(Recognized::new("a text with an ARN in it", only(arns))),
        _ => Some(Recognized::new("a text with several ARNs in it; enter one of them", None)),
    }
}

/// The text is an ARN as a whole, apart from white space, quotes, capital letters and characters that nobody sees.
fn whole(field: ArnField, pasted: &Pasted, arns: &[String]) -> Option<Recognized> {
    let joined = pasted.joined();
    let found = |kind| Some(Recognized::new(kind, Some(joined.clone())));
    if field.is_arn(&joined) {
        // A part of it is an ARN, too. After a space or a short line, another word begins; a long line can be broken anywhere.
        let is_more = arns.first().is_some_and(|arn| *arn != joined);
        return if is_more && (pasted.has_inner_spaces() || !pasted.is_wrapped()) {
            None
        } else if pasted.is_broken() {
            found("an ARN with line breaks or spaces in it")
        } else if pasted.has_odd_characters() {
            found("an ARN with invisible or typographic characters in it")
        } else {
            found("an ARN with other characters around it")
        };
    }
    let lower = pasted.lowercase(field);
    (lower != joined && field.is_arn(&lower)).then(|| Recognized {
        // The parser says why buckets with such names cannot be used.
        is_close: field == ArnField::Bucket,
        ..Recognized::new("an ARN with capital letters where AWS has none", Some(lower))
    })
}

/// What a single word is.
fn word_of(field: ArnField, word: &str, around: FormContext) -> Option<Recognized> {
    if AccountId::parse(word).is_ok() {
        return Some(Recognized::new("an AWS account ID", None));
    }
    if word.len() > 8 && Region::parse(word).is_ok() && around.vendor.regions.parse(word).is_ok() {
        return Some(Recognized::new("a region", None));
    }
    match field {
        ArnField::Bucket => bucket::recognize(word, around),
        ArnField::Key => key::recognize(word, around),
        ArnField::Role => role::recognize(word, around),
    }
}
