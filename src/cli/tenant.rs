//! `latchkey tenant create|list|show|edit|suspend|resume|offboard|erase`

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::output::{self, text};
use super::{CommandResult, config, verification};
use crate::domain::text::words;

#[derive(Debug, Subcommand)]
pub(super) enum Tenant {
    /// Create a tenant and print its external ID.
    Create(Create),
    /// List tenants, newest first.
    List(List),
    /// Show a tenant, its active storage config and its last verification.
    Show(Show),
    /// Change a tenant's name, reference or allowed modes.
    Edit(Edit),
    /// Suspend a tenant. Internal services no longer get its storage config or credentials.
    Suspend(LifecycleArgs),
    /// Resume a suspended tenant.
    Resume(LifecycleArgs),
    /// Offboard a tenant permanently. Its history is kept.
    Offboard(LifecycleArgs),
    /// Stop handing out a tenant's AWS sessions, and print the policies that end them.
    RevokeSessions(Show),
    /// Erase the personal data of an offboarded tenant, including from its audit log.
    Erase(LifecycleArgs),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// Short name, used in URLs.
    slug: String,
    /// Display name. Default: the slug.
    #[arg(long)]
    name: Option<String>,
    /// Your own reference for the tenant, for example a customer number.
    #[arg(long)]
    reference: Option<String>,
    /// Allowed modes, separated by commas. Default: all enabled modes.
    #[arg(long, value_delimiter = ',')]
    modes: Option<Vec<String>>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only tenants with this status.
    #[arg(long)]
    status: Option<String>,
    /// Search in the slug, name and reference.
    #[arg(long, short)]
    q: Option<String>,
    /// Only tenants that may use this mode.
    #[arg(long)]
    mode: Option<String>,
    /// Only tenants whose latest finished verification failed this check.
    #[arg(long)]
    failing_check: Option<String>,
    /// Only tenants that were last confirmed before this time, or so long ago, for example `6h`. The longest ago first.
    #[arg(long, value_name = "TIME")]
    confirmed_before: Option<String>,
    /// Only tenants that were last verified in full before this time, or so long ago.
    #[arg(long, value_name = "TIME")]
    verified_in_full_before: Option<String>,
    /// Only tenants whose active version was not verified against the current documents.
    #[arg(long)]
    outdated_documents: bool,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// ID or slug of the tenant.
    tenant: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("changes").required(true).multiple(true))]
pub(super) struct Edit {
    /// ID or slug of the tenant.
    tenant: String,
    /// New display name.
    #[arg(long, group = "changes")]
    name: Option<String>,
    /// New reference. An empty value removes it.
    #[arg(long, group = "changes")]
    reference: Option<String>,
    /// New allowed modes, separated by commas.
    #[arg(long, value_delimiter = ',', group = "changes")]
    modes: Option<Vec<String>>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub(super) struct LifecycleArgs {
    /// ID or slug of the tenant.
    tenant: String,
    /// Reason, recorded in the audit log.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    client: ClientArgs,
}

impl Tenant {
    pub(super) async fn run(self) -> CommandResult {
        match self {
            Self::Create(command) => command.run().await,
            Self::List(command) => command.run().await,
            Self::Show(command) => command.run().await,
            Self::Edit(command) => command.run().await,
            Self::Suspend(command) => command.post("suspend").await,
            Self::Resume(command) => command.post("resume").await,
            Self::Offboard(command) => command.delete(&[]).await,
            Self::RevokeSessions(command) => command.revoke_sessions().await,
            Self::Erase(command) => command.delete(&["personal-data"]).await,
        }
    }
}

impl Create {
    async fn run(self) -> CommandResult {
        let body = json!({
            "name": self.name.as_ref().unwrap_or(&self.slug),
            "slug": self.slug,
            "reference": self.reference,
            "modes": self.modes,
        });
        let tenant = self.client.post(&["v1", "tenants"], &body).await?;
        self.client.print(&tenant, print_tenant);
        Ok(())
    }
}

impl Edit {
    async fn run(self) -> CommandResult {
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
        let tenant = self.client.patch(&["v1", "tenants", &self.tenant], &Value::Object(changes)).await?;
        self.client.print(&tenant, print_tenant);
        Ok(())
    }
}

impl List {
    async fn run(self) -> CommandResult {
        let filter = [
            ("status", self.status.as_deref()),
            ("q", self.q.as_deref()),
            ("mode", self.mode.as_deref()),
            ("failing_check", self.failing_check.as_deref()),
            ("confirmed_before", self.confirmed_before.as_deref()),
            ("verified_in_full_before", self.verified_in_full_before.as_deref()),
            ("documents", self.outdated_documents.then_some("outdated")),
        ];
        let items = self.client.get_all(&["v1", "tenants"], &filter).await?;
        self.client.print(&Value::Array(items.clone()), |_| {
            let headings = [
                "Slug",
                "Name",
                "Status",
                "Active version",
                "Confirmed",
                "Verified in full",
                "Due again",
                "Modes",
                "Created",
            ];
            output::table(&headings, items.iter().map(row));
        });
        Ok(())
    }
}

fn row(tenant: &Value) -> Vec<String> {
    let field = |name| text(tenant, name);
    let again = |name| text(&tenant["reverification"], name);
    vec![
        field("slug"),
        field("name"),
        field("status"),
        field("active_version"),
        again("confirmed_at"),
        again("verified_in_full_at"),
        again("due_at"),
        field("modes"),
        field("created_at"),
    ]
}

impl LifecycleArgs {
    async fn post(self, action: &str) -> CommandResult {
        let path = ["v1", "tenants", &self.tenant, action];
        let tenant = self.client.post(&path, &json!({"reason": self.reason})).await?;
        self.client.print(&tenant, print_changed);
        Ok(())
    }

    async fn delete(self, subpath: &[&str]) -> CommandResult {
        let path = [&["v1", "tenants", &self.tenant], subpath].concat();
        let tenant = self.client.delete_with(&path, &json!({"reason": self.reason})).await?;
        self.client.print(&tenant, print_changed);
        Ok(())
    }
}

impl Show {
    async fn revoke_sessions(self) -> CommandResult {
        let path = ["v1", "tenants", &self.tenant, "session-revocation"];
        let live = self.client.post(&path, &json!({})).await?;
        self.client.print(&live, print_live_sessions);
        Ok(())
    }

    async fn run(self) -> CommandResult {
        let tenant = self.client.get(&["v1", "tenants", &self.tenant], &[]).await?;
        self.client.print(&tenant, |tenant| {
            print_tenant(tenant);
            if tenant["last_verification"].is_object() {
                output::print_line("");
                verification::print(&tenant["last_verification"]);
            }
        });
        Ok(())
    }
}

/// AWS sessions, and the policies that end them.
pub(super) fn print_live_sessions(live: &Value) {
    match live["sessions_valid_until"].as_str() {
        Some(until) => output::print_line(format!(
            "The last session expires at {until}. To end all sessions now, attach these policies, and delete them after that time."
        )),
        None => output::print_line("No sessions are still valid."),
    }
    for revocation in live["revocations"].as_array().into_iter().flatten() {
        output::print_line("");
        output::print_line(format!(
            "In the {}'s account, role {}:",
            text(revocation, "side"),
            text(revocation, "role_arn")
        ));
        output::print_line(text(revocation, "command"));
    }
}

/// A tenant after a change of its status.
fn print_changed(tenant: &Value) {
    print_tenant(tenant);
    if let Some(until) = tenant["sessions_valid_until"].as_str() {
        output::print_line("");
        output::print_line(format!(
            "Credentials issued earlier remain valid until {until}. To end them now, run latchkey tenant revoke-sessions {}.",
            text(tenant, "id")
        ));
    }
}

pub(super) fn print_tenant(tenant: &Value) {
    let fields = [
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
    let present = fields.iter().filter(|field| !tenant[**field].is_null());
    let mut rows: Vec<Vec<String>> = present.map(|field| vec![words(field), text(tenant, field)]).collect();
    let quarantine = &tenant["quarantine"];
    if quarantine.is_object() {
        rows.push(vec!["quarantined since".into(), text(quarantine, "since")]);
        rows.push(vec!["quarantined by".into(), text(quarantine, "checks")]);
    }
    let active = &tenant["active"];
    if active.is_object() {
        rows.push(vec!["active version".into(), text(active, "version")]);
        rows.extend(config::rows(active, "active "));
    }
    let documents = &tenant["documents"];
    if documents.is_object() {
        rows.push(vec!["documents issued".into(), text(documents, "issued_version")]);
        rows.push(vec!["documents verified against".into(), text(documents, "verified_version")]);
        rows.push(vec!["documents current".into(), text(documents, "current_version")]);
    }
    output::table(&["Tenant", &text(tenant, "slug")], rows);
}
