//! `latchkey vendor`

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use serde_json::json;

use super::output::{self, print_line};
use super::{CommandResult, Failure};
use crate::domain::arn::RoleArn;
use crate::domain::templates::format::TemplateFormat;
use crate::domain::templates::vendor::{VendorParams, documents, file};
use crate::settings::VendorSettings;

#[derive(Debug, Subcommand)]
pub(super) enum Vendor {
    /// Print the policies of your own roles, exactly as Latchkey needs them with these settings.
    ///
    /// Apply them in your own AWS account. Needs no server.
    Template(Template),
}

#[derive(Debug, Args)]
pub(super) struct Template {
    /// ARN of the IAM role that the Latchkey process runs as, such as the IAM role of its pods or instances.
    #[arg(long, value_name = "ARN")]
    process_role: RoleArn,
    /// Output format: `json` (each policy separately), or a single `cloudformation`, `terraform` or `cli` (shell script) file.
    #[arg(long, default_value = "json",
          value_parser = PossibleValuesParser::new(["json", "cloudformation", "terraform", "cli"]).try_map(|name| name.parse::<TemplateFormat>()))]
    format: TemplateFormat,
    #[command(flatten)]
    vendor: VendorSettings,
}

impl Vendor {
    pub(super) fn run(self) -> CommandResult {
        let Self::Template(template) = self;
        template.run()
    }
}

impl Template {
    fn run(self) -> CommandResult {
        let vendor = self.vendor.vendor()?;
        let ours = vendor.partition();
        if self.process_role.partition() != ours {
            let theirs = self.process_role.partition();
            return Err(Failure::Usage(format!(
                "--process-role must be in the partition of your roles ({ours}), but is in {theirs}"
            )));
        }
        let params = VendorParams {
            vendor: &vendor,
            process: &self.process_role,
        };
        match file(self.format, params).map_err(|fault| Failure::Usage(fault.to_string()))? {
            Some(file) => print_line(file.text.trim_end()),
            None => output::json(&json!({"documents": documents(params)})),
        }
        Ok(())
    }
}
