//! What the pages call modes and formats.

use crate::domain::storage_config::Mode;
use crate::domain::templates::format::TemplateFormat;
use crate::http::web_ui::labels::mode_title;

/// A mode as one chooses it.
pub struct ModeLabels {
    pub name: &'static str,
    pub title: &'static str,
    /// What to know of it, each with what it is about.
    pub rows: [(&'static str, &'static str); 4],
}

pub fn mode(mode: Mode) -> ModeLabels {
    match mode {
        Mode::AssumeRole => ModeLabels {
            name: "assume_role",
            title: mode_title(mode),
            rows: [
                ("Who touches your bucket", "A role that you create and can switch off at any time."),
                ("What you edit", "One new role, the key policy and the bucket policy."),
                (
                    "What keeps others out",
                    "The role asks for your external ID each time it is assumed.",
                ),
                ("What you send back", "The ARNs of bucket, key and role, and the region."),
            ],
        },
        Mode::Direct => ModeLabels {
            name: "direct",
            title: mode_title(mode),
            rows: [
                ("Who touches your bucket", "Our own role, which your policies name."),
                ("What you edit", "The key policy and the bucket policy. No role."),
                (
                    "What keeps others out",
                    "Both policies ask for a session tag with your external ID.",
                ),
                ("What you send back", "The ARNs of bucket and key, and the region."),
            ],
        },
    }
}

/// A format as one chooses it.
pub struct FormatLabels {
    pub name: &'static str,
    pub title: &'static str,
    pub steps: &'static [&'static str],
}

pub fn format(format: TemplateFormat) -> FormatLabels {
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
                "Download it. In the CloudFormation console, in the region of the key, choose Create stack, With new resources, Upload a template file.",
                "Its parameters are filled in with what you typed above. They also say what to create and what is there already.",
                "The stack's outputs are the fields of the next page.",
            ],
        },
        TemplateFormat::Terraform => FormatLabels {
            name: "Terraform",
            title: "One Terraform configuration",
            steps: &[
                "Save it in a folder of its own, and run terraform init and terraform apply with credentials of your account.",
                "Its variables are filled in with what you typed above. They also say what to create and what is there already.",
                "Its outputs are the fields of the next page, and the statements to merge where a policy is there already.",
            ],
        },
        TemplateFormat::Cli => FormatLabels {
            name: "AWS CLI",
            title: "One shell script",
            steps: &[
                "Save it, read it, and run it by sh with credentials of your account. AWS CloudShell will do.",
                "It shows what it will do before it does anything, overwrites no policy that is there, and can be run twice.",
                "It ends with the fields of the next page.",
            ],
        },
    }
}
