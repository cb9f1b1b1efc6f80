//! The ARN of a policy that denied a call.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::split;
use crate::domain::account::AccountId;
use crate::domain::partition::Partition;
use crate::domain::text::{Malformed, checked_text};

const FORM: &str = "arn:aws:iam::222222222222:policy/documents";

/// The longest ARN of a policy, with its path: 20 characters of the ARN itself, 12 of the account, 512 of the path and 128 of the name.
const LONGEST: usize = 700;

/// A managed policy of IAM, or a policy of an organization. Inline and resource policies have no ARN.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PolicyArn(String);

impl PolicyArn {
    /// # Errors
    /// `not_an_arn`, `unknown_partition`, `not_a_policy`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let not_a_policy = || Malformed::new("not_a_policy", format!("this is not the ARN of a policy, such as {FORM}"));
        if text.len() > LONGEST {
            return Err(not_a_policy());
        }
        let parts = split(text, FORM)?;
        let name = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&b));
        let is_account = AccountId::parse(parts.account).is_ok();
        let well_formed = match (parts.service, parts.resource.strip_prefix("policy/")) {
            // Policies of AWS's own have `aws` for an account.
            ("iam", Some(policy)) => (is_account || parts.account == "aws") && name(policy),
            ("organizations", Some(policy)) => {
                let organization: Vec<&str> = policy.split('/').collect();
                let [organization, kind, id] = organization.as_slice() else {
                    return Err(not_a_policy());
                };
                is_account
                    && organization.starts_with("o-")
                    && id.starts_with("p-")
                    && [organization, kind, id].into_iter().all(|part| name(part))
            }
            _ => false,
        };
        if well_formed && parts.region.is_empty() {
            Ok(Self(text.to_owned()))
        } else {
            Err(not_a_policy())
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn partition(&self) -> Partition {
        split(&self.0, FORM).map_or(Partition::Aws, |parts| parts.partition)
    }

    /// The policy's page in the AWS console.
    pub fn console_url(&self) -> String {
        let of_organization = || {
            let mut parts = self.0.rsplit('/');
            let (id, kind) = (parts.next()?, parts.next()?);
            // Such as `service_control_policy`.
            let kind = kind.ends_with("_policy").then(|| kind.replace('_', "-"))?;
            Some(format!("organizations/v2/home/policies/{kind}/{id}"))
        };
        let page =
            of_organization().unwrap_or_else(|| format!("iam/home#/policies/details/{}", utf8_percent_encode(&self.0, NON_ALPHANUMERIC)));
        format!("https://{}/{page}", self.partition().console_host())
    }
}
checked_text!(PolicyArn);

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "arn:aws:iam::222222222222:policy/security/no-kms",
        "https://console.aws.amazon.com/iam/home#/policies/details/arn%3Aaws%3Aiam%3A%3A222222222222%3Apolicy%2Fsecurity%2Fno%2Dkms"
    )]
    #[case(
        "arn:aws:iam::aws:policy/AWSDenyAll",
        "https://console.aws.amazon.com/iam/home#/policies/details/arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FAWSDenyAll"
    )]
    #[case(
        "arn:aws:organizations::777788889999:policy/o-exampleorgid/resource_control_policy/p-examplepolicyid",
        "https://console.aws.amazon.com/organizations/v2/home/policies/resource-control-policy/p-examplepolicyid"
    )]
    #[case(
        "arn:aws-us-gov:organizations::777788889999:policy/o-a/service_control_policy/p-b",
        "https://console.amazonaws-us-gov.com/organizations/v2/home/policies/service-control-policy/p-b"
    )]
    fn a_policy_has_a_page_in_the_console(#[case] text: &str, #[case] page: &str) {
        assert_eq!(PolicyArn::parse(text).unwrap().console_url(), page);
    }

    #[rstest]
    #[case("arn:aws:iam::222222222222:role/documents")]
    #[case("arn:aws:iam::2222:policy/documents")]
    #[case("arn:aws:iam::222222222222:policy/")]
    #[case("arn:aws:iam::222222222222:policy/a\"><script>")]
    #[case("arn:aws:organizations::777788889999:policy/p-only")]
    #[case("arn:aws:organizations::777788889999:policy/x-a/service_control_policy/p-b")]
    #[case("arn:aws:s3:::bucket")]
    #[case("policy/documents")]
    fn other_texts_are_no_policies(#[case] text: &str) {
        assert!(PolicyArn::parse(text).is_err());
    }
}
