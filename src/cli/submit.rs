//! `latchkey submit`

use clap::Args;
use serde_json::json;

use super::client::ClientArgs;
use super::output::{self, text};
use super::{Outcome, verify};

#[derive(Debug, Args)]
pub struct Submit {
    /// Id or slug.
    tenant: String,
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
    /// Follow the verification to its end.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    client: ClientArgs,
}

impl Submit {
    pub async fn run(self) -> Outcome {
        let body = json!({
            "mode": self.mode,
            "bucket_arn": self.bucket_arn,
            "bucket_region": self.bucket_region,
            "key_arn": self.key_arn,
            "role_arn": self.role_arn,
            "bucket_account_id": self.bucket_account_id,
        });
        let submitted = self.client.post(&["v1", "tenants", &self.tenant, "storage-configs"], &body).await?;
        let verification = &submitted["verification"];
        if self.watch {
            return verify::watch(&self.client, &text(verification, "id")).await;
        }
        if self.client.json {
            output::json(&submitted);
        } else {
            println!(
                "Version {} is submitted; its verification is {}.",
                text(&submitted, "version"),
                text(verification, "id")
            );
        }
        Ok(())
    }
}
