//! `latchkey validate`

use clap::Args;
use serde_json::json;

use super::client::ClientArgs;
use super::output::{self, print_line, text};
use super::submit::SubmissionArgs;
use super::{CommandResult, Failure};

#[derive(Debug, Args)]
pub(super) struct Validate {
    #[command(flatten)]
    submission: SubmissionArgs,
    #[command(flatten)]
    client: ClientArgs,
}

impl Validate {
    /// An invalid config is a negative result, not a usage error.
    pub(super) async fn run(self) -> CommandResult {
        match self.client.validate(&["v1", "validate"], &self.submission.body()).await? {
            Ok(valid) => {
                self.client.print(&valid, |valid| {
                    print_line(format_args!(
                        "Valid. The bucket must be owned by account {}.",
                        text(valid, "bucket_account_id")
                    ));
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
