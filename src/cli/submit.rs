//! `latchkey submit`

use clap::Args;
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::output::{say, text};
use super::{Outcome, verify};

/// What a customer submits.
#[derive(Debug, Args)]
pub struct SubmissionArgs {
    /// `assume_role` or `direct`.
    #[arg(long)]
    mode: String,
    /// `arn:aws:s3:::<name>`
    #[arg(long)]
    bucket_arn: String,
    /// Such as eu-central-1.
    #[arg(long)]
    bucket_region: String,
    /// The key's own ARN, never an alias.
    #[arg(long)]
    key_arn: String,
    /// Needed in the mode `assume_role`.
    #[arg(long)]
    role_arn: Option<String>,
    /// The account that owns the bucket, where it is not the role's or the key's.
    #[arg(long)]
    bucket_account_id: Option<String>,
    /// It is issued, not chosen: when it is given, it has to be the issued one.
    #[arg(long)]
    external_id: Option<String>,
}

impl SubmissionArgs {
    pub fn body(&self) -> Value {
        json!({
            "mode": self.mode,
            "bucket_arn": self.bucket_arn,
            "bucket_region": self.bucket_region,
            "key_arn": self.key_arn,
            "role_arn": self.role_arn,
            "bucket_account_id": self.bucket_account_id,
            "external_id": self.external_id,
        })
    }
}

#[derive(Debug, Args)]
pub struct Submit {
    /// Id or slug.
    tenant: String,
    #[command(flatten)]
    submission: SubmissionArgs,
    /// Follow the verification to its end.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    client: ClientArgs,
}

impl Submit {
    pub async fn run(self) -> Outcome {
        let path = ["v1", "tenants", &self.tenant, "storage-configs"];
        let submitted = self.client.post(&path, &self.submission.body()).await?;
        let verification = text(&submitted["verification"], "id");
        if self.watch {
            return verify::watch(&self.client, &verification).await;
        }
        self.client.show(&submitted, |submitted| {
            say(format_args!(
                "Version {} is submitted; its verification is {verification}.",
                text(submitted, "version")
            ));
        });
        Ok(())
    }
}
