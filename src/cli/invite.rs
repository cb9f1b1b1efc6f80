//! `latchkey invite`

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Outcome;
use super::client::ClientArgs;
use super::output::{self, say, text};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Invite {
    #[command(subcommand)]
    command: Option<Command>,
    /// Id or slug.
    #[arg(required = true)]
    tenant: Option<String>,
    /// How many hours the link is good for; a week when left out.
    #[arg(long, value_name = "HOURS")]
    expires_in_hours: Option<i64>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create an invite; prints its link, which is shown this once. The same as `latchkey invite TENANT`.
    Create(Create),
    /// List a tenant's invites, newest first, ended ones too.
    List(List),
    /// Revoke an invite: its link leads nowhere from now on.
    Revoke(Revoke),
}

#[derive(Debug, Args)]
struct Create {
    /// Id or slug.
    tenant: String,
    /// How many hours the link is good for; a week when left out.
    #[arg(long, value_name = "HOURS")]
    expires_in_hours: Option<i64>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
struct List {
    /// Id or slug.
    tenant: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
struct Revoke {
    /// Id or slug.
    tenant: String,
    /// The invite's id.
    id: String,
    #[command(flatten)]
    client: ClientArgs,
}

impl Invite {
    pub async fn run(self) -> Outcome {
        match self.command {
            Some(Command::List(command)) => command.run().await,
            Some(Command::Revoke(command)) => command.run().await,
            Some(Command::Create(command)) => command.run().await,
            None => {
                let (tenant, expires_in_hours, client) = (self.tenant.unwrap_or_default(), self.expires_in_hours, self.client);
                let create = Create {
                    tenant,
                    expires_in_hours,
                    client,
                };
                create.run().await
            }
        }
    }
}

impl Create {
    async fn run(self) -> Outcome {
        let body = json!({"expires_in_hours": self.expires_in_hours});
        let created = self.client.post(&["v1", "tenants", &self.tenant, "invites"], &body).await?;
        self.client.show(&created, |created| {
            say(text(created, "url"));
            eprintln!("Good until {}. It is not shown again.", text(created, "expires_at"));
        });
        Ok(())
    }
}

impl List {
    async fn run(self) -> Outcome {
        let listed = self.client.get(&["v1", "tenants", &self.tenant, "invites"], &[]).await?;
        self.client.show(&listed["items"], |items| {
            let columns = [
                ("Id", "id"),
                ("State", "state"),
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
    async fn run(self) -> Outcome {
        self.client.delete(&["v1", "tenants", &self.tenant, "invites", &self.id]).await?;
        let revoked: Value = json!({"id": self.id, "state": "revoked"});
        self.client.show(&revoked, |_| say("Revoked."));
        Ok(())
    }
}
