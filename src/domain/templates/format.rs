//! The formats that documents are issued in.

use strum::{Display, EnumIter, EnumString, IntoEnumIterator};

use super::{Parties, TemplateParams, cli, cloudformation, terraform};

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

    /// The file with all documents. None for `json`.
    pub fn file(self, params: &TemplateParams, parties: Parties) -> Option<TemplateFile> {
        match self {
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
        }
    }
}

/// A file that the customer saves and applies.
#[derive(Debug, Clone)]
pub struct TemplateFile {
    pub extension: &'static str,
    pub media_type: &'static str,
    pub text: String,
}
