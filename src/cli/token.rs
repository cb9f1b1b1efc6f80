//! `latchkey token create|list|revoke`

use std::sync::Arc;

use chrono::TimeDelta;
use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::output::{self, print_line, text};
use super::tenant::print_live_sessions;
use super::{CommandResult, Failure};
use crate::app;
use crate::database_clock::DatabaseClock;
use crate::domain::ids::TenantRef;
use crate::domain::limits::{Limits, Retention};
use crate::domain::retry::RetryPolicy;
use crate::domain::reverification::budget::CallRates;
use crate::domain::reverification::schedule::Schedule;
use crate::domain::token::{Role, TokenLifetime};
use crate::domain::vendor::Vendor;
use crate::service::tokens::{CreateTokenError, create_limited_token};
use crate::service::{Caller, Context};
use crate::settings::{DatabaseSettings, TokenSettings};
use crate::store::migrations;

const CENTURY: TimeDelta = TimeDelta::days(36_500);

#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Create a token, which is shown only once. Uses the API with an admin's `LATCHKEY_TOKEN`, or else the database directly.
    Create(Box<Create>),
    /// List tokens, newest first, including expired and revoked ones.
    List(List),
    /// Revoke a token. Requests with it are rejected within a second.
    Revoke(Revoke),
    /// Print the policies that end the AWS sessions issued to a token.
    RevokeSessions(Revoke),
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// ID of the token.
    id: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// Role: viewer, ops, service or admin.
    #[arg(long)]
    role: Role,

    /// Name of the token, shown in the audit log.
    #[arg(long, default_value = "command line")]
    name: String,

    /// Limit a token of the role `service` to this tenant (ID or slug). Can be repeated. Default: all tenants.
    #[arg(long = "tenant", value_name = "TENANT")]
    tenants: Vec<TenantRef>,

    /// Lifetime, for example `720h`. Default: 90 days, or the longest that is allowed if that is shorter.
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<humantime::Duration>,

    /// The token never expires. Only possible if `LATCHKEY_TOKEN_MAX_LIFETIME_DAYS` is 0.
    #[arg(long, conflicts_with = "expires_in")]
    never_expires: bool,

    #[command(flatten)]
    client: ClientArgs,

    #[command(flatten)]
    database: DatabaseSettings,

    #[command(flatten)]
    tokens: TokenSettings,
}

impl Token {
    pub(super) async fn run(self) -> CommandResult {
        match self {
            Self::Create(command) => command.run().await,
            Self::List(command) => command.run().await,
            Self::Revoke(command) => command.run().await,
            Self::RevokeSessions(command) => command.sessions().await,
        }
    }
}

impl List {
    async fn run(self) -> CommandResult {
        let items = self.client.get_all(&["v1", "tokens"], &[]).await?;
        self.client.print(&Value::Array(items.clone()), |_| {
            let columns = [
                ("ID", "id"),
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
    async fn run(self) -> CommandResult {
        let revoked = self.client.delete(&["v1", "tokens", &self.id]).await?;
        self.client.print(&revoked, |revoked| {
            print_line("Revoked.");
            if let Some(until) = revoked["sessions_valid_until"].as_str() {
                print_line(format!(
                    "Credentials issued to it remain valid until {until}. To end them now, run latchkey token revoke-sessions {}.",
                    text(revoked, "id")
                ));
            }
        });
        Ok(())
    }

    async fn sessions(self) -> CommandResult {
        let live = self.client.get(&["v1", "tokens", &self.id, "session-revocation"], &[]).await?;
        self.client.print(&live, print_live_sessions);
        Ok(())
    }
}

impl Create {
    async fn run(self) -> CommandResult {
        let created = if self.client.has_token() {
            self.create_by_api().await?
        } else {
            self.create_in_database().await?
        };
        self.client.print(&created, |created| print_line(text(created, "token")));
        Ok(())
    }

    async fn create_by_api(&self) -> Result<Value, Failure> {
        let hours = self.expires_in.map(|lifetime| lifetime.as_secs().div_ceil(3600));
        let tenants: Vec<String> = self.tenants.iter().map(ToString::to_string).collect();
        let body = json!({
            "name": self.name,
            "role": self.role,
            "expires_in_hours": hours,
            "never_expires": self.never_expires,
            "tenants": Some(tenants).filter(|tenants| !tenants.is_empty()),
        });
        self.client.post(&["v1", "tokens"], &body).await
    }

    async fn create_in_database(&self) -> Result<Value, Failure> {
        let pool = app::pool(self.database.url()?, 2);
        migrations::run(&pool)
            .await
            .map_err(|error| Failure::Inconclusive(error.to_string()))?;
        let clock = DatabaseClock::new(app::system_clock());
        clock
            .synchronize(&pool)
            .await
            .map_err(|error| Failure::Inconclusive(error.to_string()))?;
        let context = Context {
            pool,
            clock,
            vendor: Arc::new(Vendor::unnamed()),
            schedule: Schedule::OFF,
            rates: CallRates::NONE,
            catalogue: Arc::default(),
            documents: Arc::default(),
            retry_policy: RetryPolicy::NONE,
            lease: std::time::Duration::ZERO,
            credentials_stale_for: std::time::Duration::ZERO,
            webhooks: Arc::default(),
            mail: None,
            limits: Limits {
                token_lifetime: self.tokens.longest(),
                ..Limits::NONE
            },
            retention: Retention::default(),
        };
        let lifetime = match self.expires_in {
            _ if self.never_expires => TokenLifetime::Never,
            Some(lifetime) => {
                let lifetime = TimeDelta::from_std(*lifetime).ok().filter(|lifetime| *lifetime <= CENTURY);
                TokenLifetime::For(lifetime.ok_or_else(|| Failure::Usage("--expires-in is too long".into()))?)
            }
            None => TokenLifetime::Default,
        };
        let tenants = Some(self.tenants.as_slice()).filter(|tenants| !tenants.is_empty());
        let (token, secret) = create_limited_token(&context, &Caller::operator(), &self.name, self.role, lifetime, tenants)
            .await
            .map_err(|error| match error {
                CreateTokenError::Invalid(faults) => Failure::Usage(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
                CreateTokenError::Store(error) => Failure::Inconclusive(error.to_string()),
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
