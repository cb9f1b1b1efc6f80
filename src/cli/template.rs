//! `latchkey template`

use std::io::Read;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::output::{say, text};
use super::{Failure, Outcome};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Template {
    #[command(subcommand)]
    command: Option<Command>,
    /// Id or slug.
    #[arg(required = true)]
    tenant: Option<String>,
    #[command(flatten)]
    blanks: Blanks,
    /// `json`, each document by itself, or one file: `cloudformation`, `terraform`, or `cli`, a shell script.
    #[arg(long, default_value = "json")]
    format: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Put the tenant's statements into a policy that is there already, and print the whole.
    Merge(Merge),
}

/// What the documents are filled with. What is left out becomes a placeholder.
#[derive(Debug, Args)]
struct Blanks {
    /// `assume_role` or `direct`.
    #[arg(long)]
    mode: Option<String>,
    /// The bucket's name.
    #[arg(long)]
    bucket: Option<String>,
    /// The key's ARN.
    #[arg(long)]
    key_arn: Option<String>,
    /// The name of the role that you will create.
    #[arg(long)]
    role_name: Option<String>,
    /// The account that the role will be in.
    #[arg(long)]
    account_id: Option<String>,
    /// Whether to grant what the checks of the bucket's posture read; the vendor's setting when left out.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    posture: Option<bool>,
}

#[derive(Debug, Args)]
struct Merge {
    /// Id or slug.
    tenant: String,
    /// `bucket-policy`, `key-policy` or `trust-policy`.
    #[arg(long)]
    document: String,
    /// A file with the policy as it is now; `-` is the standard input. Empty, or left out, where there is none yet.
    #[arg(long, value_name = "FILE")]
    current: Option<PathBuf>,
    #[command(flatten)]
    blanks: Blanks,
    #[command(flatten)]
    client: ClientArgs,
}

impl Template {
    pub async fn run(self) -> Outcome {
        if let Some(Command::Merge(merge)) = self.command {
            return merge.run().await;
        }
        let blanks = &self.blanks;
        let posture = blanks.posture.map(|posture| posture.to_string());
        let query = [
            ("mode", blanks.mode.as_deref()),
            ("bucket", blanks.bucket.as_deref()),
            ("key_arn", blanks.key_arn.as_deref()),
            ("role_name", blanks.role_name.as_deref()),
            ("account_id", blanks.account_id.as_deref()),
            ("posture", posture.as_deref()),
            ("format", Some(self.format.as_str())),
        ];
        let path = ["v1", "tenants", self.tenant.as_deref().unwrap_or_default(), "templates"];
        if self.format != "json" {
            say(self.client.get_file(&path, &query).await?.trim_end());
            return Ok(());
        }
        self.client.show(&self.client.get(&path, &query).await?, print);
        Ok(())
    }
}

fn print(issued: &Value) {
    for document in issued["documents"].as_array().into_iter().flatten() {
        say(format_args!(
            "# {}\n# {}\n{:#}\n",
            text(document, "title"),
            text(document, "apply_to"),
            document["body"]
        ));
    }
    for setting in issued["settings"].as_array().into_iter().flatten() {
        say(format_args!(
            "# {}: {}. {}",
            text(setting, "name"),
            text(setting, "value"),
            text(setting, "why")
        ));
    }
    if let Some(link) = issued["quick_create_url"].as_str() {
        say(format_args!("# Or all at once, in the console: {link}"));
    }
}

impl Merge {
    async fn run(self) -> Outcome {
        let blanks = &self.blanks;
        let body = json!({
            "document": self.document,
            "current": self.current()?,
            "mode": blanks.mode,
            "bucket": blanks.bucket,
            "key_arn": blanks.key_arn,
            "role_name": blanks.role_name,
            "account_id": blanks.account_id,
            "posture": blanks.posture,
        });
        let merged = self
            .client
            .post(&["v1", "tenants", &self.tenant, "templates", "merge"], &body)
            .await?;
        self.client.show(&merged, |merged| {
            say(format_args!("{:#}", merged["merged"]));
            // Beside the policy, which may be on its way into a file.
            for finding in merged["findings"].as_array().into_iter().flatten() {
                eprintln!("{}: {}", text(finding, "statement"), text(finding, "detail"));
            }
            eprintln!("{} of at most {} bytes.", text(merged, "size"), text(merged, "limit"));
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
