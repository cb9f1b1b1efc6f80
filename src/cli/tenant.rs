//! `latchkey tenant create|list|show|suspend|resume|offboard|erase`

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::output::{self, text};
use super::{Outcome, verify};

#[derive(Debug, Subcommand)]
pub enum Tenant {
    /// Create a tenant; prints its external ID.
    Create(Create),
    /// List tenants, newest first.
    List(List),
    /// Switch a tenant off: internal services are refused.
    Suspend(Change),
    /// Switch a tenant on again.
    Resume(Change),
    /// End a tenant for good. Its history is kept.
    Offboard(Change),
    /// Erase the personal data of a tenant that has ended, from its audit log too.
    Erase(Change),
    /// Show a tenant, what is active, and how its last verification went.
    Show(Show),
}

#[derive(Debug, Args)]
pub struct Create {
    /// Its short name in URLs.
    slug: String,
    /// What people call it; the slug when left out.
    #[arg(long)]
    name: Option<String>,
    /// Your own name for it.
    #[arg(long)]
    reference: Option<String>,
    /// The modes that it may use, separated by commas; all on offer when left out.
    #[arg(long, value_delimiter = ',')]
    modes: Option<Vec<String>>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct List {
    /// Of this status alone.
    #[arg(long)]
    status: Option<String>,
    /// Words, each of which begins one of slug, name and reference.
    #[arg(long, short)]
    q: Option<String>,
    /// That may choose this mode.
    #[arg(long)]
    mode: Option<String>,
    /// Of which this check failed in the newest verification that ended.
    #[arg(long)]
    failing_check: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct Show {
    /// Id or slug.
    tenant: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct Change {
    /// Id or slug.
    tenant: String,
    /// Why, for those who read the audit log.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    client: ClientArgs,
}

impl Tenant {
    pub async fn run(self) -> Outcome {
        match self {
            Self::Create(command) => command.run().await,
            Self::List(command) => command.run().await,
            Self::Show(command) => command.run().await,
            Self::Suspend(command) => command.post("suspend").await,
            Self::Resume(command) => command.post("resume").await,
            Self::Offboard(command) => command.delete(&[]).await,
            Self::Erase(command) => command.delete(&["personal-data"]).await,
        }
    }
}

impl Create {
    async fn run(self) -> Outcome {
        let body = json!({
            "name": self.name.as_ref().unwrap_or(&self.slug),
            "slug": self.slug,
            "reference": self.reference,
            "modes": self.modes,
        });
        let tenant = self.client.post(&["v1", "tenants"], &body).await?;
        if self.client.json {
            output::json(&tenant);
        } else {
            print_tenant(&tenant);
        }
        Ok(())
    }
}

impl List {
    async fn run(self) -> Outcome {
        let filter = [
            ("status", self.status.as_deref()),
            ("q", self.q.as_deref()),
            ("mode", self.mode.as_deref()),
            ("failing_check", self.failing_check.as_deref()),
        ];
        let items = self.client.pages(&["v1", "tenants"], &filter).await?;
        if self.client.json {
            output::json(&Value::Array(items));
            return Ok(());
        }
        let members = ["slug", "name", "status", "active_version", "modes", "created_at"];
        let rows = items.iter().map(|item| members.iter().map(|member| text(item, member)).collect());
        output::table(&["Slug", "Name", "Status", "Active version", "Modes", "Created"], rows);
        Ok(())
    }
}

impl Change {
    async fn post(self, what: &str) -> Outcome {
        let path = ["v1", "tenants", &self.tenant, what];
        let tenant = self.client.post(&path, &json!({"reason": self.reason})).await?;
        self.print(&tenant);
        Ok(())
    }

    async fn delete(self, what: &[&str]) -> Outcome {
        let path = [&["v1", "tenants", &self.tenant], what].concat();
        let tenant = self.client.delete_with(&path, &json!({"reason": self.reason})).await?;
        self.print(&tenant);
        Ok(())
    }

    fn print(&self, tenant: &Value) {
        if self.client.json {
            output::json(tenant);
        } else {
            print_tenant(tenant);
        }
    }
}

impl Show {
    async fn run(self) -> Outcome {
        let tenant = self.client.get(&["v1", "tenants", &self.tenant], &[]).await?;
        if self.client.json {
            output::json(&tenant);
            return Ok(());
        }
        print_tenant(&tenant);
        if tenant["last_verification"].is_object() {
            verify::print(&tenant["last_verification"]);
        }
        Ok(())
    }
}

fn print_tenant(tenant: &Value) {
    let mut rows: Vec<Vec<String>> = ["slug", "id", "name", "reference", "status", "external_id", "modes", "created_at"]
        .iter()
        .map(|member| vec![member.replace('_', " "), text(tenant, member)])
        .collect();
    let active = &tenant["active"];
    if active.is_object() {
        let members = [
            "version",
            "mode",
            "bucket_arn",
            "bucket_region",
            "key_arn",
            "role_arn",
            "verified_at",
        ];
        rows.extend(
            members
                .iter()
                .map(|member| vec![format!("active {}", member.replace('_', " ")), text(active, member)]),
        );
    }
    output::table(&["Tenant", ""], rows);
}
