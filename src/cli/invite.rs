//! `latchkey invite`

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::CommandResult;
use super::client::ClientArgs;
use super::output::{self, print_line, text};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Invite {
    #[command(subcommand)]
    command: Option<Command>,
    /// ID or slug of the tenant.
    #[arg(required = true)]
    tenant: Option<String>,
    /// Lifetime of the link in hours. Default: 168 (one week).
    #[arg(long, value_name = "HOURS")]
    expires_in_hours: Option<i64>,
    /// What the link is for: `onboarding`, or `change` to also replace storage that is in use. Default: `change` if the tenant has an
    /// active version.
    #[arg(long)]
    purpose: Option<String>,
    /// Also create a token of the customers' API, for programs of the customer. It is valid as long as the link.
    #[arg(long)]
    api_token: bool,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create an invite and print its link, which is shown only once. The same as `latchkey invite <TENANT>`.
    Create(Create),
    /// List a tenant's invites, newest first, including expired and revoked ones.
    List(List),
    /// Revoke an invite. Its link stops working immediately.
    Revoke(Revoke),
    /// List the browsers that opened an invite, and its API tokens, the last used first.
    Sessions(Sessions),
    /// End the session of one browser, or revoke one API token. The link stays valid.
    EndSession(EndSession),
}

#[derive(Debug, Args)]
struct Create {
    /// ID or slug of the tenant.
    tenant: String,
    /// Lifetime of the link in hours. Default: 168 (one week).
    #[arg(long, value_name = "HOURS")]
    expires_in_hours: Option<i64>,
    /// What the link is for: `onboarding`, or `change` to also replace storage that is in use. Default: `change` if the tenant has an
    /// active version.
    #[arg(long)]
    purpose: Option<String>,
    /// Also create a token of the customers' API, for programs of the customer. It is valid as long as the link.
    #[arg(long)]
    api_token: bool,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
struct List {
    /// ID or slug of the tenant.
    tenant: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
struct Revoke {
    /// ID or slug of the tenant.
    tenant: String,
    /// ID of the invite.
    id: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
struct Sessions {
    /// ID or slug of the tenant.
    tenant: String,
    /// ID of the invite.
    id: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
struct EndSession {
    /// ID or slug of the tenant.
    tenant: String,
    /// ID of the invite.
    id: String,
    /// ID of the session.
    session: String,
    #[command(flatten)]
    client: ClientArgs,
}

impl Invite {
    pub(super) async fn run(self) -> CommandResult {
        match self.command {
            Some(Command::List(command)) => command.run().await,
            Some(Command::Revoke(command)) => command.run().await,
            Some(Command::Create(command)) => command.run().await,
            Some(Command::Sessions(command)) => command.run().await,
            Some(Command::EndSession(command)) => command.run().await,
            None => {
                let create = Create {
                    tenant: self.tenant.unwrap_or_default(),
                    expires_in_hours: self.expires_in_hours,
                    purpose: self.purpose,
                    api_token: self.api_token,
                    client: self.client,
                };
                create.run().await
            }
        }
    }
}

impl Create {
    async fn run(self) -> CommandResult {
        let body = json!({"expires_in_hours": self.expires_in_hours, "purpose": self.purpose, "api_token": self.api_token});
        let created = self.client.post(&["v1", "tenants", &self.tenant, "invites"], &body).await?;
        self.client.print(&created, |created| {
            print_line(text(created, "url"));
            let shown = if self.api_token {
                print_line(text(created, "api_token"));
                "link and this token are"
            } else {
                "link is"
            };
            eprintln!("Valid until {}. This {shown} not shown again.", text(created, "expires_at"));
        });
        Ok(())
    }
}

impl List {
    async fn run(self) -> CommandResult {
        let listed = self.client.get(&["v1", "tenants", &self.tenant, "invites"], &[]).await?;
        self.client.print(&listed["items"], |items| {
            let columns = [
                ("ID", "id"),
                ("State", "state"),
                ("Purpose", "purpose"),
                ("Created", "created_at"),
                ("Expires", "expires_at"),
                ("Last used", "last_used_at"),
            ];
            output::list(items.as_array().map_or(&[], Vec::as_slice), &columns);
        });
        Ok(())
    }
}

impl Revoke {
    async fn run(self) -> CommandResult {
        self.client.delete(&["v1", "tenants", &self.tenant, "invites", &self.id]).await?;
        let revoked: Value = json!({"id": self.id, "state": "revoked"});
        self.client.print(&revoked, |_| print_line("Revoked."));
        Ok(())
    }
}

impl Sessions {
    async fn run(self) -> CommandResult {
        let path = ["v1", "tenants", &self.tenant, "invites", &self.id, "sessions"];
        let listed = self.client.get(&path, &[]).await?;
        self.client.print(&listed["items"], |items| {
            let columns = [
                ("ID", "id"),
                ("Kind", "kind"),
                ("Address", "address"),
                ("Opened", "created_at"),
                ("Last used", "last_used_at"),
                ("Ended", "ended_at"),
            ];
            output::list(items.as_array().map_or(&[], Vec::as_slice), &columns);
        });
        Ok(())
    }
}

impl EndSession {
    async fn run(self) -> CommandResult {
        let path = ["v1", "tenants", &self.tenant, "invites", &self.id, "sessions", &self.session];
        self.client.delete(&path).await?;
        let ended: Value = json!({"id": self.session});
        self.client.print(&ended, |_| {
            print_line("Ended. The link stays valid; to stop that too, revoke the invite.");
        });
        Ok(())
    }
}
