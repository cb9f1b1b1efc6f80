//! IAM role names and role ARNs.

use super::{Partition, split};
use crate::domain::account::AccountId;
use crate::domain::text::{Malformed, checked_text};

const FORM: &str = "arn:aws:iam::123456789012:role/my-role";

/// A role's name without its path: 1 to 64 of `[A-Za-z0-9+=,.@_-]`.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoleName(String);

impl RoleName {
    /// # Errors
    /// `malformed_role_name`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b);
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self(text.to_owned()));
        }
        Err(Malformed::new(
            "malformed_role_name",
            "a role name has 1 to 64 letters, digits and characters of +=,.@_- and no path, such as my-role",
        ))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
checked_text!(RoleName);

/// `arn:<partition>:iam::<account>:role/<path/><name>`
///
/// ```
/// use latchkey::domain::arn::RoleArn;
///
/// let role = RoleArn::parse("arn:aws:iam::123456789012:role/team/documents").unwrap();
/// assert_eq!(role.name().as_str(), "documents");
/// assert_eq!(role.path(), "/team/");
///
/// let session = RoleArn::parse("arn:aws:sts::123456789012:assumed-role/documents/session");
/// assert_eq!(session.unwrap_err().code, "session_arn");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoleArn {
    text: String,
    partition: Partition,
    account: AccountId,
    name: RoleName,
}

impl RoleArn {
    /// # Errors
    /// One code per common mistake; the tests list them.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        // One colon too few.
        if text.starts_with("arn:") && text.contains(":iam::role/") {
            return Err(no_account());
        }
        let parts = split(text, FORM)?;
        if parts.service == "sts" && parts.resource.starts_with("assumed-role/AWSReservedSSO_") {
            return Err(identity_center());
        }
        if parts.service == "sts" {
            return Err(Malformed::new(
                "session_arn",
                format!("this is the ARN of a role session; enter the ARN of the role, such as {FORM}"),
            ));
        }
        if parts.service != "iam" {
            return Err(Malformed::new(
                "not_a_role_arn",
                format!("this is an ARN of the service {}, not iam; enter one such as {FORM}", parts.service),
            ));
        }
        if !parts.region.is_empty() {
            return Err(Malformed::new(
                "region_in_role_arn",
                format!("a role ARN has no region; enter one such as {FORM}"),
            ));
        }
        if parts.account.starts_with("role/") || parts.account.is_empty() && parts.resource.starts_with("role/") {
            return Err(no_account());
        }
        let account = AccountId::parse(parts.account);
        if account.is_ok() && parts.resource.starts_with("instance-profile/") {
            return Err(Malformed::new(
                "instance_profile_arn",
                format!(
                    "this is the ARN of an instance profile; enter the ARN of the role in it, which usually has the same name, such as {FORM}"
                ),
            ));
        }
        let not_a_role = parts.resource.split('/').next().filter(|kind| *kind != "role" && !kind.is_empty());
        if let (Err(_), Some(kind)) = (&account, not_a_role) {
            return Err(Malformed::new(
                "not_a_role_arn",
                format!(
                    "{}, and its account ID does not have 12 digits; enter one such as {FORM}",
                    other_kind(kind)
                ),
            ));
        }
        let account = account.map_err(|_| {
            Malformed::new(
                "malformed_account_in_role_arn",
                format!("the account ID in this ARN does not have 12 digits; enter an ARN such as {FORM}"),
            )
        })?;
        let Some(path) = parts.resource.strip_prefix("role/") else {
            let kind = parts.resource.split('/').next().unwrap_or_default();
            return Err(Malformed::new(
                "not_a_role_arn",
                if kind.is_empty() {
                    format!("this is not the ARN of a role; enter one such as {FORM}")
                } else {
                    format!("{}; enter one such as {FORM}", other_kind(kind))
                },
            ));
        };
        let (path, name) = path.rsplit_once('/').unwrap_or(("", path));
        if path.starts_with("aws-service-role") {
            return Err(Malformed::new(
                "service_linked_role",
                format!("only its AWS service can assume a service-linked role; enter a role that you created, such as {FORM}"),
            ));
        }
        if path.starts_with("aws-reserved/sso.amazonaws.com") || name.starts_with("AWSReservedSSO_") {
            return Err(identity_center());
        }
        let path_allowed = |b: u8| (0x21..0x7f).contains(&b) && b != b'*';
        if path.len() > 510 || !path.bytes().all(path_allowed) {
            return Err(Malformed::new(
                "malformed_role_path",
                format!("the path in this ARN is invalid; enter an ARN such as {FORM}"),
            ));
        }
        Ok(Self {
            text: text.to_owned(),
            partition: parts.partition,
            account,
            name: RoleName::parse(name)?,
        })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// The path, such as `/` or `/team/`.
    pub fn path(&self) -> &str {
        let resource = self.text.splitn(6, ':').last().unwrap_or_default();
        let path = resource.strip_prefix("role").unwrap_or_default();
        path.strip_suffix(self.name.as_str()).unwrap_or_default()
    }

    pub fn account(&self) -> &AccountId {
        &self.account
    }

    pub fn name(&self) -> &RoleName {
        &self.name
    }
}
checked_text!(RoleArn);

/// What an ARN of IAM names instead of a role.
fn other_kind(kind: &str) -> String {
    let kind = match kind {
        "root" => return "this is the ARN of an account, not of a role".to_owned(),
        "mfa" => "MFA device",
        "oidc-provider" | "saml-provider" => "identity provider",
        "server-certificate" => "server certificate",
        "instance-profile" => return "this is the ARN of an instance profile, not of a role".to_owned(),
        kind @ ("user" | "group" | "policy") => kind,
        _ => return "this is not the ARN of a role".to_owned(),
    };
    format!("this is the ARN of an IAM {kind}, not of a role")
}

fn no_account() -> Malformed {
    Malformed::new(
        "malformed_account_in_role_arn",
        format!("this ARN has no account ID; enter an ARN such as {FORM}"),
    )
}

/// <https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html>
fn identity_center() -> Malformed {
    Malformed::new(
        "identity_center_role",
        format!(
            "this role belongs to IAM Identity Center, and only AWS can change its trust policy; create a role of your own, such as {FORM}"
        ),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("my-role", "not_an_arn")]
    #[case("arn:aws:sts::123456789012:assumed-role/my-role/session", "session_arn")]
    #[case("arn:aws:iam::123456789012:user/alice", "not_a_role_arn")]
    #[case("arn:aws:iam::123456789012:root", "not_a_role_arn")]
    #[case("arn:aws:iam::123456789012:instance-profile/my-role", "instance_profile_arn")]
    #[case("arn:aws:iam::123456789012:", "not_a_role_arn")]
    #[case("arn:aws:iam::1234:role/my-role", "malformed_account_in_role_arn")]
    #[case("arn:aws:iam:eu-central-1:123456789012:role/my-role", "region_in_role_arn")]
    #[case("arn:aws:iam::123456789012:role/", "malformed_role_name")]
    #[case("arn:aws:iam::123456789012:role/*", "malformed_role_name")]
    #[case(
        "arn:aws:iam::123456789012:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
        "service_linked_role"
    )]
    #[case("arn:aws:s3:::my-bucket", "not_a_role_arn")]
    #[case("arn:aws:iam::role/LakekeeperWarehouse", "malformed_account_in_role_arn")]
    #[case("arn:aws:iam:::role/documents", "malformed_account_in_role_arn")]
    #[case("arn:aws:iam::67211257:user/Qikink", "not_a_role_arn")]
    #[case(
        "arn:aws:iam::222222222222:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef",
        "identity_center_role"
    )]
    #[case(
        "arn:aws:sts::222222222222:assumed-role/AWSReservedSSO_AdministratorAccess_0123456789abcdef/user@example.com",
        "identity_center_role"
    )]
    fn a_wrong_role_arn_says_what_is_wrong(#[case] text: &str, #[case] code: &str) {
        assert_eq!(RoleArn::parse(text).unwrap_err().code, code);
    }

    #[test]
    fn the_name_does_not_contain_the_path() {
        let arn = RoleArn::parse("arn:aws:iam::123456789012:role/teams/docs/my-role").unwrap();
        assert_eq!(arn.name().as_str(), "my-role");
    }

    #[test]
    fn two_faults_are_told_at_once() {
        let fault = RoleArn::parse("arn:aws:iam::67211257:user/Qikink").unwrap_err();
        assert!(
            fault.detail.contains("an IAM user") && fault.detail.contains("12 digits"),
            "{}",
            fault.detail
        );
    }

    proptest! {
        #[test]
        fn a_valid_arn_is_parsed_and_prints_as_it_was(name in "[A-Za-z0-9+=,.@_-]{1,64}", path in "([a-z]{1,8}/){0,3}", account in "[0-9]{12}") {
            let text = format!("arn:aws-us-gov:iam::{account}:role/{path}{name}");
            let arn = RoleArn::parse(&text).unwrap();
            prop_assert_eq!(arn.to_string(), text);
            prop_assert_eq!(arn.name().as_str(), name);
        }

        #[test]
        fn garbage_never_panics(text in any::<String>(), tail in any::<String>()) {
            let _ = (RoleArn::parse(&text), RoleArn::parse(&format!("arn:aws:iam::123456789012:role/{tail}")));
        }
    }
}
