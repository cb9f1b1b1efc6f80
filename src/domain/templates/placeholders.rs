//! Statements with variables, for the formats whose files take parameters.
//!
//! The statements are created without the customer's values, so they contain known placeholder texts. Each format replaces
//! these with its own expressions. So each statement is defined only once for all formats.

use super::TemplateParams;
use crate::domain::region::Region;
use crate::domain::storage_config::Mode;

/// The meaning of a placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placeholder {
    /// The bucket's ARN.
    Bucket,
    /// The ARN of every object with the prefix.
    Objects,
    /// The pattern of every key with the prefix.
    Keys,
    /// The key's ARN.
    Key,
    /// The ARN of the customer's role.
    ClientRole,
    /// The ARN of the vendor's role.
    VendorRole,
    /// The external IDs: one, or two during a rotation.
    ExternalIds,
    /// The ARN of the root of the customer's account.
    Root,
}

/// Template parameters without values, and the meaning of each placeholder text.
pub(super) struct Placeholders {
    pub params: TemplateParams,
    texts: [(String, Placeholder); 8],
}

impl Placeholders {
    pub(crate) fn of(params: &TemplateParams, mode: Mode) -> Self {
        let first = params.external_ids.first().cloned();
        let params = TemplateParams {
            posture: params.posture,
            sid_suffix: params.sid_suffix,
            network: params.network.clone(),
            prefix: params.prefix.clone(),
            level: params.level,
            extra: params.extra.clone(),
            ..TemplateParams::empty(mode, params.vendor_role.clone(), first.into_iter().collect())
        };
        let texts = [
            (params.bucket_arn(), Placeholder::Bucket),
            (params.objects_arn(), Placeholder::Objects),
            (params.keys(), Placeholder::Keys),
            (params.key_arn().to_owned(), Placeholder::Key),
            (params.role_arn(), Placeholder::ClientRole),
            (params.vendor_role.to_string(), Placeholder::VendorRole),
            (
                params.external_ids.first().map(ToString::to_string).unwrap_or_default(),
                Placeholder::ExternalIds,
            ),
            (format!("arn:{}:iam::<ACCOUNT_ID>:root", params.partition), Placeholder::Root),
        ];
        Self { params, texts }
    }

    /// The placeholder that this text is, if it is one.
    pub(crate) fn of_text(&self, text: &str) -> Option<Placeholder> {
        self.texts
            .iter()
            .find(|(known, _)| known == text)
            .map(|(_, placeholder)| *placeholder)
    }
}

/// Whether a bucket name ends like that of an account-regional bucket.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html>
pub(super) fn is_account_regional(bucket: &str) -> bool {
    let Some(rest) = bucket.strip_suffix("-an") else { return false };
    rest.match_indices('-').any(|(at, _)| {
        let tail = &rest[at + 1..];
        let (account, region) = tail.split_at_checked(12).unwrap_or((tail, ""));
        account.len() == 12
            && account.bytes().all(|b| b.is_ascii_digit())
            && region.strip_prefix('-').is_some_and(|region| Region::parse(region).is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::is_account_regional;

    #[test]
    fn account_regional_names_are_recognized() {
        assert!(is_account_regional("docs-123456789012-eu-central-1-an"));
        assert!(is_account_regional("my-docs-123456789012-us-gov-west-1-an"));
        for name in [
            "docs",
            "docs-an",
            "docs-12345678901-eu-central-1-an",
            "docs-123456789012-an",
            "docs-123456789012-eu-an",
        ] {
            assert!(!is_account_regional(name), "{name}");
        }
    }
}
