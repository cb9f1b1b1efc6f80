//! `latchkey template`

use std::io::Read;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::output::{print_line, text};
use super::{CommandResult, Failure};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Template {
    #[command(subcommand)]
    command: Option<Command>,
    /// ID or slug of the tenant.
    #[arg(required = true)]
    tenant: Option<String>,
    #[command(flatten)]
    values: TemplateValues,
    /// Output format: `json` (each document separately), or a single `cloudformation`, `terraform` or `cli` (shell script) file.
    #[arg(long, default_value = "json")]
    format: String,
    /// AWS account of the bucket. Default: that of the role or, in the mode `direct`, of the key.
    #[arg(long, value_name = "ID")]
    bucket_account_id: Option<String>,
    /// ARN of the managed policy that limits what the role can be granted.
    #[arg(long, value_name = "ARN")]
    permissions_boundary: Option<String>,
    /// Tag of the role, the key and the bucket that the documents create. Can be repeated.
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    tags: Vec<String>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Merge the tenant's statements into an existing policy and print the result.
    Merge(Merge),
}

/// Values for the documents. Missing ones become placeholders.
#[derive(Debug, Args)]
struct TemplateValues {
    /// Access mode: `assume_role` or `direct`.
    #[arg(long)]
    mode: Option<String>,
    /// Name of the bucket.
    #[arg(long)]
    bucket: Option<String>,
    /// ARN of the KMS key.
    #[arg(long)]
    key_arn: Option<String>,
    /// Name of the role that the customer creates.
    #[arg(long)]
    role_name: Option<String>,
    /// AWS account of that role.
    #[arg(long)]
    account_id: Option<String>,
    /// Prefix of all object keys, such as `documents/`. Default: the whole bucket.
    #[arg(long)]
    prefix: Option<String>,
    /// What to grant: `read_write` or `read`. Default: the first level in the server's setting `LATCHKEY_ACCESS`.
    #[arg(long)]
    access: Option<String>,
    /// Path of that role, such as `/vendors/`.
    #[arg(long, value_name = "PATH")]
    role_path: Option<String>,
    /// Grant the read permissions for the posture checks. Default: the server's `LATCHKEY_POSTURE` setting.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    posture: Option<bool>,
}

#[derive(Debug, Args)]
struct Merge {
    /// ID or slug of the tenant.
    tenant: String,
    /// Document to merge into: `bucket-policy` or `key-policy`.
    #[arg(long)]
    document: String,
    /// File with the current policy, or `-` for standard input. Leave it out if there is no policy yet.
    #[arg(long, value_name = "FILE")]
    current: Option<PathBuf>,
    #[command(flatten)]
    values: TemplateValues,
    #[command(flatten)]
    client: ClientArgs,
}

impl Template {
    pub(super) async fn run(self) -> CommandResult {
        if let Some(Command::Merge(merge)) = self.command {
            return merge.run().await;
        }
        let values = &self.values;
        let posture = values.posture.map(|posture| posture.to_string());
        let tags = self.tags.join(",");
        let query = [
            ("mode", values.mode.as_deref()),
            ("bucket", values.bucket.as_deref()),
            ("key_arn", values.key_arn.as_deref()),
            ("role_name", values.role_name.as_deref()),
            ("account_id", values.account_id.as_deref()),
            ("bucket_account_id", self.bucket_account_id.as_deref()),
            ("prefix", values.prefix.as_deref()),
            ("access", values.access.as_deref()),
            ("role_path", values.role_path.as_deref()),
            ("permissions_boundary", self.permissions_boundary.as_deref()),
            ("tags", Some(tags.as_str()).filter(|tags| !tags.is_empty())),
            ("posture", posture.as_deref()),
            ("format", Some(self.format.as_str())),
        ];
        let path = ["v1", "tenants", self.tenant.as_deref().unwrap_or_default(), "templates"];
        if self.format != "json" {
            print_line(self.client.get_text(&path, &query).await?.trim_end());
            return Ok(());
        }
        self.client.print(&self.client.get(&path, &query).await?, print);
        Ok(())
    }
}

fn print(issued: &Value) {
    for document in issued["documents"].as_array().into_iter().flatten() {
        print_line(format_args!(
            "# {}\n# {}\n{:#}\n",
            text(document, "title"),
            text(document, "apply_to"),
            document["body"]
        ));
    }
    for setting in issued["settings"].as_array().into_iter().flatten() {
        print_line(format_args!(
            "# {}: {}. {}",
            text(setting, "name"),
            text(setting, "value"),
            text(setting, "why")
        ));
    }
    if let Some(link) = issued["quick_create_url"].as_str() {
        print_line(format_args!("# To create everything in the AWS console: {link}"));
    }
}

impl Merge {
    async fn run(self) -> CommandResult {
        let values = &self.values;
        let body = json!({
            "document": self.document,
            "current": self.current()?,
            "mode": values.mode,
            "bucket": values.bucket,
            "key_arn": values.key_arn,
            "role_name": values.role_name,
            "account_id": values.account_id,
            "prefix": values.prefix,
            "access": values.access,
            "role_path": values.role_path,
            "posture": values.posture,
        });
        let merged = self
            .client
            .post(&["v1", "tenants", &self.tenant, "templates", "merge"], &body)
            .await?;
        self.client.print(&merged, |merged| {
            print_line(format_args!("{:#}", merged["merged"]));
            // To standard error: the policy may be redirected into a file.
            for finding in merged["findings"].as_array().into_iter().flatten() {
                eprintln!("{}: {}", text(finding, "statement"), text(finding, "detail"));
            }
            eprintln!("Size: {} of {} bytes.", text(merged, "size"), text(merged, "limit"));
        });
        Ok(())
    }

    fn current(&self) -> Result<String, Failure> {
        let mut text = String::new();
        match &self.current {
            None => Ok(0),
            Some(file) if file.as_os_str() == "-" => std::io::stdin().read_to_string(&mut text),
            Some(file) => std::fs::File::open(file).and_then(|mut file| file.read_to_string(&mut text)),
        }
        .map_err(|fault| Failure::Usage(format!("--current cannot be read: {fault}")))?;
        Ok(text)
    }
}
