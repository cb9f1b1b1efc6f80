//! `latchkey template`

use clap::Args;

use super::Outcome;
use super::client::ClientArgs;
use super::output::{self, text};

#[derive(Debug, Args)]
pub struct Template {
    /// Id or slug.
    tenant: String,
    /// `assume_role` or `direct`.
    #[arg(long)]
    mode: Option<String>,
    /// The bucket's name. What is left out becomes a placeholder.
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
    /// `json`, each document by itself, or one file: `cloudformation`, `terraform`, or `cli`, a shell script.
    #[arg(long, default_value = "json")]
    format: String,
    #[command(flatten)]
    client: ClientArgs,
}

impl Template {
    pub async fn run(self) -> Outcome {
        let posture = self.posture.map(|posture| posture.to_string());
        let query = [
            ("mode", self.mode.as_deref()),
            ("bucket", self.bucket.as_deref()),
            ("key_arn", self.key_arn.as_deref()),
            ("role_name", self.role_name.as_deref()),
            ("account_id", self.account_id.as_deref()),
            ("posture", posture.as_deref()),
            ("format", Some(self.format.as_str())),
        ];
        let path = ["v1", "tenants", &self.tenant, "templates"];
        if self.format != "json" {
            print!("{}", self.client.get_file(&path, &query).await?);
            return Ok(());
        }
        let issued = self.client.get(&path, &query).await?;
        if self.client.json {
            output::json(&issued);
            return Ok(());
        }
        for document in issued["documents"].as_array().into_iter().flatten() {
            println!(
                "# {}\n# {}\n{:#}\n",
                text(document, "title"),
                text(document, "apply_to"),
                document["body"]
            );
        }
        for setting in issued["settings"].as_array().into_iter().flatten() {
            println!("# {}: {}. {}", text(setting, "name"), text(setting, "value"), text(setting, "why"));
        }
        if let Some(link) = issued["quick_create_url"].as_str() {
            println!("# Or all at once, in the console: {link}");
        }
        Ok(())
    }
}
