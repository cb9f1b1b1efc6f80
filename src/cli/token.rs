//! `latchkey token create|list|revoke`

use std::sync::Arc;

use chrono::TimeDelta;
use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::output::{self, say, text};
use super::{Failure, Outcome};
use crate::app;
use crate::domain::ids::TenantRef;
use crate::domain::retry::RetryPolicy;
use crate::domain::token::Role;
use crate::domain::vendor::Vendor;
use crate::service::tokens::{CreateTokenError, create_limited_token};
use crate::service::{Caller, Context};
use crate::settings::DatabaseSettings;
use crate::store::migrations;

#[derive(Debug, Subcommand)]
pub enum Token {
    /// Create a token: by `LATCHKEY_TOKEN`, an admin's, or, without one, straight in the database. It is shown this once.
    Create(Create),
    /// List tokens, newest first, ended ones too.
    List(List),
    /// Revoke a token: it is refused from the next request on.
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct Revoke {
    /// The token's id.
    id: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct Create {
    /// viewer, ops, service or admin.
    #[arg(long)]
    role: Role,

    /// What it is for, as the audit log will name it.
    #[arg(long, default_value = "command line")]
    name: String,

    /// A tenant that it may ask for, by id or slug; several times for several. Without it, all of them. For the role service.
    #[arg(long = "tenant", value_name = "TENANT")]
    tenants: Vec<TenantRef>,

    /// How long it is good for: `720h`, for instance. Without it, for ever.
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<humantime::Duration>,

    #[command(flatten)]
    client: ClientArgs,

    #[command(flatten)]
    database: DatabaseSettings,
}

impl Token {
    pub async fn run(self) -> Outcome {
        match self {
            Self::Create(command) => command.run().await,
            Self::List(command) => command.run().await,
            Self::Revoke(command) => command.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Outcome {
        let items = self.client.pages(&["v1", "tokens"], &[]).await?;
        self.client.show(&Value::Array(items.clone()), |_| {
            let columns = [
                ("Id", "id"),
                ("Name", "name"),
                ("Role", "role"),
                ("Created", "created_at"),
                ("Expires", "expires_at"),
                ("Last used", "last_used_at"),
                ("Revoked", "revoked_at"),
            ];
            output::list(&items, &columns);
        });
        Ok(())
    }
}

impl Revoke {
    async fn run(self) -> Outcome {
        self.client.delete(&["v1", "tokens", &self.id]).await?;
        let revoked = json!({"id": self.id, "state": "revoked"});
        self.client.show(&revoked, |_| say("Revoked."));
        Ok(())
    }
}

impl Create {
    async fn run(self) -> Outcome {
        let made = if self.client.has_token() {
            self.ask().await?
        } else {
            self.make().await?
        };
        self.client.show(&made, |made| say(text(made, "token")));
        Ok(())
    }

    async fn ask(&self) -> Result<Value, Failure> {
        let hours = self.expires_in.map(|lifetime| lifetime.as_secs().div_ceil(3600));
        let tenants: Vec<String> = self.tenants.iter().map(ToString::to_string).collect();
        let body = json!({
            "name": self.name,
            "role": self.role,
            "expires_in_hours": hours,
            "tenants": Some(tenants).filter(|tenants| !tenants.is_empty()),
        });
        self.client.post(&["v1", "tokens"], &body).await
    }

    async fn make(&self) -> Result<Value, Failure> {
        let command = self;
        let pool = app::pool(command.database.url()?, 2);
        migrations::run(&pool).await.map_err(|error| Failure::Unknown(error.to_string()))?;
        let context = Context {
            pool,
            clock: app::system_clock(),
            vendor: Arc::new(Vendor::unnamed()),
            patience: RetryPolicy::NONE,
            webhooks: Arc::default(),
        };
        let expires_in = command
            .expires_in
            .map(|lifetime| TimeDelta::from_std(*lifetime))
            .transpose()
            .map_err(|_| Failure::Usage("--expires-in is too long".into()))?;
        let tenants = Some(command.tenants.as_slice()).filter(|tenants| !tenants.is_empty());
        let (token, secret) = create_limited_token(&context, &Caller::operator(), &command.name, command.role, expires_in, tenants)
            .await
            .map_err(|error| match error {
                CreateTokenError::Invalid(faults) => Failure::Usage(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
                CreateTokenError::Store(error) => Failure::Unknown(error.to_string()),
            })?;
        Ok(json!({
            "token": secret.expose_secret(),
            "id": token.id,
            "name": token.name,
            "role": token.role,
            "created_at": token.created_at,
            "expires_at": token.expires_at,
            "last_used_at": token.last_used_at,
            "revoked_at": token.revoked_at,
            "tenants": token.tenants,
        }))
    }
}
