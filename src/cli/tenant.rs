//! `latchkey tenant create|list|show|edit|suspend|resume|offboard|erase`

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::output::{self, text};
use super::{Outcome, config, verification};

#[derive(Debug, Subcommand)]
pub enum Tenant {
    /// Create a tenant; prints its external ID.
    Create(Create),
    /// List tenants, newest first.
    List(List),
    /// Show a tenant, what is active, and how its last verification went.
    Show(Show),
    /// Change what people call a tenant, your own name for it, or its modes.
    Edit(Edit),
    /// Switch a tenant off: internal services are refused.
    Suspend(Change),
    /// Switch a tenant on again.
    Resume(Change),
    /// End a tenant for good. Its history is kept.
    Offboard(Change),
    /// Erase the personal data of a tenant that has ended, from its audit log too.
    Erase(Change),
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
#[command(group = clap::ArgGroup::new("changes").required(true).multiple(true))]
pub struct Edit {
    /// Id or slug.
    tenant: String,
    /// What people call it.
    #[arg(long, group = "changes")]
    name: Option<String>,
    /// Your own name for it; an empty one takes it away.
    #[arg(long, group = "changes")]
    reference: Option<String>,
    /// The modes that it may use from now on, separated by commas.
    #[arg(long, value_delimiter = ',', group = "changes")]
    modes: Option<Vec<String>>,
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
            Self::Edit(command) => command.run().await,
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
        self.client.show(&tenant, print_tenant);
        Ok(())
    }
}

impl Edit {
    async fn run(self) -> Outcome {
        let mut changes = serde_json::Map::new();
        if let Some(name) = self.name {
            changes.insert("name".into(), name.into());
        }
        if let Some(reference) = self.reference {
            let reference = Some(reference).filter(|reference| !reference.is_empty());
            changes.insert("reference".into(), reference.into());
        }
        if let Some(modes) = self.modes {
            changes.insert("modes".into(), modes.into());
        }
        let tenant = self
            .client
            .change(&["v1", "tenants", &self.tenant], &Value::Object(changes))
            .await?;
        self.client.show(&tenant, print_tenant);
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
        self.client.show(&Value::Array(items.clone()), |_| {
            let columns = [
                ("Slug", "slug"),
                ("Name", "name"),
                ("Status", "status"),
                ("Active version", "active_version"),
                ("Modes", "modes"),
                ("Created", "created_at"),
            ];
            output::list(&items, &columns);
        });
        Ok(())
    }
}

impl Change {
    async fn post(self, what: &str) -> Outcome {
        let path = ["v1", "tenants", &self.tenant, what];
        let tenant = self.client.post(&path, &json!({"reason": self.reason})).await?;
        self.client.show(&tenant, print_tenant);
        Ok(())
    }

    async fn delete(self, what: &[&str]) -> Outcome {
        let path = [&["v1", "tenants", &self.tenant], what].concat();
        let tenant = self.client.delete_with(&path, &json!({"reason": self.reason})).await?;
        self.client.show(&tenant, print_tenant);
        Ok(())
    }
}

impl Show {
    async fn run(self) -> Outcome {
        let tenant = self.client.get(&["v1", "tenants", &self.tenant], &[]).await?;
        self.client.show(&tenant, |tenant| {
            print_tenant(tenant);
            if tenant["last_verification"].is_object() {
                output::say("");
                verification::print(&tenant["last_verification"]);
            }
        });
        Ok(())
    }
}

pub fn print_tenant(tenant: &Value) {
    let members = [
        "id",
        "name",
        "reference",
        "status",
        "external_id",
        "next_external_id",
        "previous_external_id",
        "modes",
        "created_at",
    ];
    let told = members.iter().filter(|member| !tenant[**member].is_null());
    let mut rows: Vec<Vec<String>> = told.map(|member| vec![member.replace('_', " "), text(tenant, member)]).collect();
    let active = &tenant["active"];
    if active.is_object() {
        rows.push(vec!["active version".into(), text(active, "version")]);
        rows.extend(config::rows(active, "active "));
    }
    output::table(&["Tenant", &text(tenant, "slug")], rows);
}
