//! `latchkey validate`

use clap::Args;
use serde_json::json;

use super::client::ClientArgs;
use super::output::{self, say, text};
use super::submit::SubmissionArgs;
use super::{Failure, Outcome};

#[derive(Debug, Args)]
pub struct Validate {
    #[command(flatten)]
    submission: SubmissionArgs,
    #[command(flatten)]
    client: ClientArgs,
}

impl Validate {
    /// That it is not valid is an answer, and no fault of the command.
    pub async fn run(self) -> Outcome {
        match self.client.judge(&["v1", "validate"], &self.submission.body()).await? {
            Ok(valid) => {
                self.client.show(&valid, |valid| {
                    say(format_args!(
                        "Valid. The bucket has to be owned by {}.",
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
                        say(format_args!("{}: {}", text(error, "field"), text(error, "detail")));
                    }
                }
                Err(Failure::No)
            }
        }
    }
}
