//! `latchkey validate`

use clap::Args;
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::output::{self, print_line, text};
use super::submit::SubmissionArgs;
use super::{CommandResult, Failure};

#[derive(Debug, Args)]
pub(super) struct Validate {
    /// ID or slug of the tenant that would submit this. Without it, the external ID, the tenant's modes and the claims of other
    /// tenants are not judged.
    #[arg(long)]
    tenant: Option<String>,
    #[command(flatten)]
    submission: SubmissionArgs,
    #[command(flatten)]
    client: ClientArgs,
}

impl Validate {
    /// An invalid config is a negative result, not a usage error.
    pub(super) async fn run(self) -> CommandResult {
        let mut body = self.submission.body();
        body["tenant"] = json!(self.tenant);
        match self.client.validate(&["v1", "validate"], &body).await? {
            Ok(valid) => {
                self.client.print(&valid, |valid| {
                    print_line(format_args!(
                        "Valid. The bucket must be owned by account {}.",
                        text(valid, "bucket_account_id")
                    ));
                    for subject in valid["not_judged"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                        print_line(format_args!("Not judged: {subject}: {}.", text(&valid["reasons"], subject)));
                    }
                });
                Ok(())
            }
            Err(errors) => {
                if self.client.json {
                    output::json(&json!({"valid": false, "errors": errors}));
                } else {
                    for error in errors.as_array().into_iter().flatten() {
                        print_line(format_args!("{}: {}", text(error, "field"), text(error, "detail")));
                    }
                }
                Err(Failure::Negative)
            }
        }
    }
}
