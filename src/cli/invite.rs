//! `latchkey invite`

use clap::Args;
use serde_json::{Value, json};

use super::Outcome;
use super::client::ClientArgs;
use super::output::{self, text};

#[derive(Debug, Args)]
pub struct Invite {
    /// Id or slug.
    tenant: String,
    /// How many hours the link is good for; a week when left out.
    #[arg(long, value_name = "HOURS")]
    expires_in_hours: Option<i64>,
    /// List the tenant's invites instead.
    #[arg(long, conflicts_with = "expires_in_hours")]
    list: bool,
    /// Revoke the invite of this id instead.
    #[arg(long, value_name = "ID", conflicts_with_all = ["expires_in_hours", "list"])]
    revoke: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

impl Invite {
    pub async fn run(self) -> Outcome {
        let path = ["v1", "tenants", &self.tenant, "invites"];
        if let Some(id) = &self.revoke {
            self.client.delete(&[path.as_slice(), &[id]].concat()).await?;
            if self.client.json {
                output::json(&json!({"id": id, "state": "revoked"}));
            } else {
                println!("Revoked.");
            }
            return Ok(());
        }
        if self.list {
            let listed = self.client.get(&path, &[]).await?;
            if self.client.json {
                output::json(&listed["items"]);
                return Ok(());
            }
            let members = ["id", "state", "created_at", "expires_at", "last_used_at"];
            let items = listed["items"].as_array().cloned().unwrap_or_default();
            let row = |item: &Value| members.iter().map(|member| text(item, member)).collect();
            output::table(&["Id", "State", "Created", "Expires", "Last used"], items.iter().map(row));
            return Ok(());
        }
        let body = json!({"expires_in_hours": self.expires_in_hours});
        let created = self.client.post(&path, &body).await?;
        if self.client.json {
            output::json(&created);
        } else {
            println!("{}", text(&created, "url"));
            eprintln!("Good until {}. It is not shown again.", text(&created, "expires_at"));
        }
        Ok(())
    }
}
