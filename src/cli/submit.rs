//! `latchkey submit`

use clap::Args;
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::output::{print_line, text};
use super::{CommandResult, verify};

/// A customer's storage config.
#[derive(Debug, Args)]
pub(super) struct SubmissionArgs {
    /// Access mode: `assume_role` or `direct`.
    #[arg(long)]
    mode: String,
    /// ARN of the bucket: `arn:aws:s3:::<name>`.
    #[arg(long)]
    bucket_arn: String,
    /// Region of the bucket, for example eu-central-1.
    #[arg(long)]
    bucket_region: String,
    /// ARN of the KMS key, not of an alias.
    #[arg(long)]
    key_arn: String,
    /// ARN of the customer's role. Required for the mode `assume_role`.
    #[arg(long)]
    role_arn: Option<String>,
    /// AWS account that owns the bucket, if it is not the role's or the key's account.
    #[arg(long)]
    bucket_account_id: Option<String>,
    /// Prefix of all object keys, such as `documents/`. Default: the whole bucket.
    #[arg(long)]
    prefix: Option<String>,
    /// What the vendor may do: `read_write` or `read`. Default: the first level in the server's setting `LATCHKEY_ACCESS`.
    #[arg(long)]
    access: Option<String>,
    /// With the access `read`: the key of an object to read. Default: the verification chooses one.
    #[arg(long)]
    sample_object: Option<String>,
    /// The tenant's external ID. Optional; if given, it must match the issued one.
    #[arg(long)]
    external_id: Option<String>,
}

impl SubmissionArgs {
    pub(super) fn body(&self) -> Value {
        json!({
            "mode": self.mode,
            "bucket_arn": self.bucket_arn,
            "bucket_region": self.bucket_region,
            "key_arn": self.key_arn,
            "role_arn": self.role_arn,
            "bucket_account_id": self.bucket_account_id,
            "prefix": self.prefix,
            "access": self.access,
            "sample_object": self.sample_object,
            "external_id": self.external_id,
        })
    }
}

#[derive(Debug, Args)]
pub(super) struct Submit {
    /// ID or slug of the tenant.
    tenant: String,
    #[command(flatten)]
    submission: SubmissionArgs,
    /// Follow the verification until it finishes.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    client: ClientArgs,
}

impl Submit {
    pub(super) async fn run(self) -> CommandResult {
        let path = ["v1", "tenants", &self.tenant, "storage-configs"];
        let submitted = self.client.post(&path, &self.submission.body()).await?;
        let verification = text(&submitted["verification"], "id");
        if self.watch {
            return verify::watch(&self.client, &verification).await;
        }
        self.client.print(&submitted, |submitted| {
            print_line(format_args!(
                "Submitted version {}. Verification: {verification}.",
                text(submitted, "version")
            ));
        });
        Ok(())
    }
}
