//! The formats that documents are issued in.

use std::collections::BTreeSet;

use strum::{Display, EnumIter, EnumString, IntoEnumIterator};

use super::{Parties, TemplateParams, cli, cloudformation, terraform};
use crate::domain::account::AccountId;
use crate::domain::arn::KeyArn;

/// The format of the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString, EnumIter)]
#[strum(serialize_all = "snake_case")]
pub enum TemplateFormat {
    /// Each document separately.
    Json,
    Cloudformation,
    Terraform,
    /// A shell script.
    Cli,
}

impl TemplateFormat {
    /// All names, for error messages.
    pub fn names() -> String {
        Self::iter().map(|format| format.to_string()).collect::<Vec<_>>().join(", ")
    }

    /// Whether all of it is applied in one account. `cloudformation` and `terraform` do not change an existing key, which may be elsewhere.
    ///
    /// # Errors
    /// When the known accounts differ.
    pub fn check_accounts(self, params: &TemplateParams) -> Result<(), SeveralAccounts> {
        let key = params.key.as_ref().map(KeyArn::account);
        let of_file = match self {
            Self::Json => return Ok(()),
            Self::Cloudformation | Self::Terraform => [params.role_account(), params.bucket_account.as_ref(), None],
            Self::Cli => [params.role_account(), params.bucket_account.as_ref(), key],
        };
        let accounts: BTreeSet<_> = of_file.into_iter().flatten().map(AccountId::as_str).collect();
        if accounts.len() > 1 {
            return Err(SeveralAccounts(accounts.into_iter().collect::<Vec<_>>().join(" and ")));
        }
        Ok(())
    }

    /// The file with all documents. None for `json`.
    ///
    /// # Errors
    /// When they belong to several accounts.
    pub fn file(self, params: &TemplateParams, parties: Parties) -> Result<Option<TemplateFile>, SeveralAccounts> {
        self.check_accounts(params)?;
        Ok(match self {
            Self::Json => None,
            Self::Cloudformation => Some(TemplateFile {
                extension: "yaml",
                media_type: "application/yaml",
                text: cloudformation::template(params, parties),
            }),
            Self::Terraform => Some(TemplateFile {
                extension: "tf",
                media_type: "text/plain",
                text: terraform::configuration(params, parties),
            }),
            Self::Cli => Some(TemplateFile {
                extension: "sh",
                media_type: "text/x-shellscript",
                text: cli::script(params, parties),
            }),
        })
    }
}

/// One file cannot set up several accounts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the documents belong to the accounts {0}, but this file sets up one account; apply them one by one (format json), each in its account"
)]
pub struct SeveralAccounts(String);

/// A file that the customer saves and applies.
#[derive(Debug, Clone)]
pub struct TemplateFile {
    pub extension: &'static str,
    pub media_type: &'static str,
    pub text: String,
}
