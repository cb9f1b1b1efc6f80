//! Settings of the vendor: its roles, and its requirements for customers.

use std::str::FromStr;

use clap::Args;
use reqwest::Url;

use super::ConfigError;
use super::value::{Format, boolean, text};
use crate::domain::access_level::AccessLevel;
use crate::domain::approval::ApprovalPolicy;
use crate::domain::arn::{RoleArn, RoleName};
use crate::domain::catalogue::CheckWeight;
use crate::domain::check::CheckName;
use crate::domain::extra_action::{ExtraAction, ExtraActions};
use crate::domain::region::{Region, Regions};
use crate::domain::vendor::Vendor;

const STORAGE_ROLE: Format = Format("an IAM role ARN", "arn:aws:iam::111111111111:role/document-storage");
const DIRECT_ROLE: Format = Format("an IAM role ARN", "arn:aws:iam::111111111111:role/customer-facing");
const TEMPLATE_URL: Format = Format(
    "the https URL of an object in S3",
    "https://vendor-templates.s3.eu-central-1.amazonaws.com/latchkey.yaml",
);

const EXTRA_ACTIONS: Format = Format("IAM actions separated by commas", "s3:GetObjectTagging,s3:PutObjectTagging");

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Vendor")]
pub struct VendorSettings {
    /// Your company's name, as customers see it.
    #[arg(long, env = "LATCHKEY_VENDOR_NAME", default_value = "the vendor", value_name = "NAME",
          value_parser = Format("a name", "Example Inc.").parser(text))]
    vendor_name: String,

    /// Your document-storage role, which assumes the customers' roles. Enables the mode `assume_role`.
    #[arg(long, env = "LATCHKEY_STORAGE_ROLE_ARN", value_name = "ARN", value_parser = STORAGE_ROLE.parser(RoleArn::from_str))]
    storage_role_arn: Option<RoleArn>,

    /// Your customer-facing role, which customers name in their policies. Enables the mode `direct`.
    #[arg(long, env = "LATCHKEY_DIRECT_ROLE_ARN", value_name = "ARN", value_parser = DIRECT_ROLE.parser(RoleArn::from_str))]
    direct_role_arn: Option<RoleArn>,

    /// Required prefix of the names of customers' roles.
    #[arg(long, env = "LATCHKEY_CLIENT_ROLE_PREFIX", value_name = "PREFIX",
          value_parser = Format("the start of a role name", "vendor-").parser(RoleName::from_str))]
    client_role_prefix: Option<RoleName>,

    /// S3 URL where you host the CloudFormation template (`latchkey template --format cloudformation`). Enables quick-create links.
    #[arg(long, env = "LATCHKEY_CLOUDFORMATION_URL", value_name = "URL", value_parser = TEMPLATE_URL.parser(Url::parse))]
    cloudformation_url: Option<Url>,

    /// Checks that warn instead of rejecting, separated by commas.
    #[arg(long, env = "LATCHKEY_ADVISORY_CHECKS", value_delimiter = ',', value_name = "CHECKS",
          value_parser = Format("names of checks separated by commas", "object-restorable,versioning-disabled").parser(advisory_check))]
    advisory_checks: Vec<CheckName>,

    /// Also check the bucket's public access block, ACLs and access logging. These checks only warn. The templates then grant the
    /// read permissions they need.
    #[arg(long, env = "LATCHKEY_POSTURE", default_value = "false", value_name = "true|false", action = clap::ArgAction::Set,
          num_args = 0..=1, default_missing_value = "true", value_parser = Format("true or false", "true").parser(boolean))]
    posture: bool,

    /// Accept buckets, keys and roles in the accounts of your own roles. Only for tests: your roles may have access to their own
    /// account without any external ID.
    #[arg(long, env = "LATCHKEY_ALLOW_OWN_ACCOUNT", default_value = "false", value_name = "true|false", action = clap::ArgAction::Set,
          num_args = 0..=1, default_missing_value = "true", value_parser = Format("true or false", "true").parser(boolean))]
    allow_own_account: bool,

    /// Which changes of a tenant's active storage config an operator must approve before they take effect: `always`, every change;
    /// `account_change`, only a change to an AWS account that the active version does not use, or of the prefix or the access in the same
    /// bucket; or `never`.
    #[arg(long, env = "LATCHKEY_ACTIVATION_APPROVAL", default_value = "account_change", value_name = "POLICY",
          value_parser = Format("always, account_change or never", "account_change").parser(ApprovalPolicy::from_str))]
    activation_approval: ApprovalPolicy,

    /// What you may do with customers' documents: `read_write`, `read`, or both separated by a comma. Customers who name none of
    /// them get the first.
    #[arg(long, env = "LATCHKEY_ACCESS", value_delimiter = ',', default_value = "read_write", value_name = "LEVELS",
          value_parser = Format("read_write, read or both", "read_write,read").parser(AccessLevel::from_str))]
    access: Vec<AccessLevel>,

    /// IAM actions that your services need beyond those of the documents, separated by commas. The documents then grant them, credentials
    /// allow them, and a verification proves those for which there is a call that changes nothing: see AWS setup.
    #[arg(long, env = "LATCHKEY_EXTRA_ACTIONS", value_delimiter = ',', value_name = "ACTIONS",
          value_parser = EXTRA_ACTIONS.parser(ExtraAction::parse))]
    extra_actions: Vec<ExtraAction>,

    /// AWS regions to accept that are newer than this version, separated by commas.
    #[arg(long, env = "LATCHKEY_EXTRA_REGIONS", value_delimiter = ',', value_name = "REGIONS",
          value_parser = Format("regions separated by commas", "eu-central-3,us-west-9").parser(Region::from_str))]
    extra_regions: Vec<Region>,
}

impl VendorSettings {
    /// # Errors
    /// When no role is set, the roles are in different partitions, or the template is not in S3.
    pub fn vendor(self) -> Result<Vendor, ConfigError> {
        let role = match (&self.storage_role_arn, &self.direct_role_arn) {
            (None, None) => {
                let fault = "neither this nor LATCHKEY_DIRECT_ROLE_ARN is set";
                return Err(STORAGE_ROLE.error("LATCHKEY_STORAGE_ROLE_ARN", fault));
            }
            (Some(storage), Some(direct)) if storage.partition() != direct.partition() => {
                let (storage, direct) = (storage.partition(), direct.partition());
                let fault = format!("must be in the same partition as LATCHKEY_STORAGE_ROLE_ARN ({storage}), but is in {direct}");
                return Err(DIRECT_ROLE.error("LATCHKEY_DIRECT_ROLE_ARN", fault));
            }
            (Some(role), _) | (None, Some(role)) => role,
        };
        if let Some(url) = &self.cloudformation_url {
            check_template_url(url, role.partition().dns_suffix())?;
        }
        let extra = ExtraActions::new(&self.extra_actions);
        if extra.len() > ExtraActions::MOST {
            let fault = format!(
                "names {} actions, of which a session policy can hold {} at most",
                extra.len(),
                ExtraActions::MOST
            );
            return Err(EXTRA_ACTIONS.error("LATCHKEY_EXTRA_ACTIONS", fault));
        }
        Ok(Vendor {
            name: self.vendor_name,
            cloudformation_url: self.cloudformation_url.map(String::from),
            storage_role: self.storage_role_arn,
            direct_role: self.direct_role_arn,
            client_role_prefix: self.client_role_prefix,
            advisory_checks: self.advisory_checks.into_iter().collect(),
            posture: self.posture,
            extra,
            allow_own_account: self.allow_own_account,
            approval: self.activation_approval,
            regions: Regions::with_extra(self.extra_regions),
            levels: self.access,
            // Another section's.
            network: None,
        })
    }
}

/// CloudFormation reads templates only from S3, and the quick-create link opens the console of the vendor's partition.
fn check_template_url(url: &Url, dns_suffix: &str) -> Result<(), ConfigError> {
    let host = url.host_str().unwrap_or_default();
    let is_s3 = host
        .strip_suffix(dns_suffix)
        .and_then(|host| host.strip_suffix('.'))
        .is_some_and(|host| host.split('.').any(|label| label == "s3" || label.starts_with("s3-")));
    if url.scheme() != "https" || !is_s3 || url.path().len() < 2 {
        let fault = format!("must be the https URL of an object on an S3 endpoint that ends with {dns_suffix}");
        return Err(TEMPLATE_URL.error("LATCHKEY_CLOUDFORMATION_URL", fault));
    }
    Ok(())
}

fn advisory_check(text: &str) -> Result<CheckName, String> {
    let check: CheckName = text.parse().map_err(|_| format!("there is no check named {text:?}"))?;
    if check.entry().weight == CheckWeight::AlwaysRequired {
        return Err(format!("{check} is always required and cannot be advisory"));
    }
    Ok(check)
}
