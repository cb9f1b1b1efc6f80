//! Labels of modes, access levels and formats.

use crate::domain::access_level::AccessLevel;
use crate::domain::storage_config::Mode;
use crate::domain::templates::format::TemplateFormat;
use crate::domain::text::FieldError;
use crate::http::web_ui::fields::{Field, FieldChoice};
use crate::http::web_ui::labels::mode_title;
use crate::http::web_ui::sentence;
use crate::service::Context;

/// A mode, as the customer chooses it.
pub(crate) struct ModeLabels {
    pub name: &'static str,
    pub title: &'static str,
    /// Facts about the mode, each with its heading.
    pub rows: [(&'static str, &'static str); 4],
}

pub(crate) fn mode(mode: Mode) -> ModeLabels {
    match mode {
        Mode::AssumeRole => ModeLabels {
            name: "assume_role",
            title: mode_title(mode),
            rows: [
                ("Who accesses your bucket", "A role that you create and can delete at any time."),
                ("What you edit", "One new role, the key policy and the bucket policy."),
                ("What protects your data", "Assuming the role requires your external ID."),
                ("What you send us", "The ARNs of the bucket, key and role, and the region."),
            ],
        },
        Mode::Direct => ModeLabels {
            name: "direct",
            title: mode_title(mode),
            rows: [
                ("Who accesses your bucket", "Our role, which your policies name."),
                ("What you edit", "The key policy and the bucket policy. No role."),
                (
                    "What protects your data",
                    "Both policies require a session tag with your external ID.",
                ),
                ("What you send us", "The ARNs of the bucket and key, and the region."),
            ],
        },
    }
}

/// The choice between the levels of access that the vendor offers.
pub(crate) fn access(context: &Context, typed: Option<&str>, faults: &[FieldError]) -> Field {
    let level = typed.and_then(|text| AccessLevel::parse(text.trim()).ok());
    let chosen = level.unwrap_or_else(|| context.vendor.level());
    let choices = context.vendor.levels.iter().map(|level| {
        let (title, hint) = match level {
            AccessLevel::ReadWrite => (
                "Read and write",
                "Write, read, restore and delete objects, and encrypt and decrypt with the key.",
            ),
            AccessLevel::Read => ("Read only", "Read and list objects, and decrypt with the key. Nothing is written."),
        };
        FieldChoice {
            value: level.into(),
            title,
            hint,
            chosen: *level == chosen,
        }
    });
    Field {
        choices: choices.collect(),
        ..Field::new("access", "What do you grant?", typed).judged(faults, |fault| sentence(fault.reason()))
    }
}

/// A template format, as the customer chooses it.
pub(crate) struct FormatLabels {
    pub name: &'static str,
    pub title: &'static str,
    pub steps: &'static [&'static str],
}

pub(crate) fn format(format: TemplateFormat) -> FormatLabels {
    match format {
        TemplateFormat::Json => FormatLabels {
            name: "AWS console",
            title: "One document at a time",
            steps: &[],
        },
        TemplateFormat::Cloudformation => FormatLabels {
            name: "CloudFormation",
            title: "One CloudFormation template",
            steps: &[
                "Download the template. In the CloudFormation console, in the key's region, choose Create stack > With new resources > Upload a template file.",
                "The parameters default to your entries above. They also control which resources are created and which already exist.",
                "The stack outputs are the values for the next page.",
            ],
        },
        TemplateFormat::Terraform => FormatLabels {
            name: "Terraform",
            title: "One Terraform configuration",
            steps: &[
                "Save the file in a new directory, then run terraform init and terraform apply with credentials for your account.",
                "The variables default to your entries above. They also control which resources are created and which already exist.",
                "The outputs are the values for the next page, and the statements to merge into existing policies.",
            ],
        },
        TemplateFormat::Cli => FormatLabels {
            name: "AWS CLI",
            title: "One shell script",
            steps: &[
                "Download the script, review it, and run it with sh and credentials for your account (AWS CloudShell works too).",
                "The script shows what it will do first, never overwrites an existing policy, and can be run again.",
                "It prints the values for the next page.",
            ],
        },
    }
}
