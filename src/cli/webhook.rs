//! `latchkey webhook create|list|show|delete|enable|deliveries|resend|test|rotate-secret`

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::output::{self, text};
use super::{CommandResult, Failure};
use crate::app;

/// Interval between polls while a test message is sent.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// After this many polls, there is probably no worker running.
const MAX_POLLS: usize = 240;

#[derive(Debug, Subcommand)]
pub(super) enum Webhook {
    /// Create a webhook and print its ID and its signing secret, which is shown only once.
    Create(Create),
    /// List webhooks, newest first.
    List(List),
    /// Show a webhook.
    Show(WebhookArgs),
    /// Delete a webhook. Pending messages are discarded.
    Delete(WebhookArgs),
    /// Enable a webhook that was disabled because its receiver responded with 410 Gone.
    Enable(WebhookArgs),
    /// List a webhook's deliveries and their results, newest first.
    Deliveries(Deliveries),
    /// Resend a message now, with the same message ID.
    Resend(Resend),
    /// Send a test message. Exit code: 0 delivered, 1 not delivered.
    Test(WebhookArgs),
    /// Create a new signing secret, which is shown only once. The previous one is also used for a while.
    RotateSecret(RotateSecret),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// HTTPS URL to send messages to.
    #[arg(value_name = "URL")]
    target: String,
    /// Event types to send, separated by commas. Default: all.
    #[arg(long, value_delimiter = ',')]
    events: Option<Vec<String>>,
    /// Description for your own use.
    #[arg(long)]
    description: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub(super) struct WebhookArgs {
    /// ID of the webhook.
    id: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub(super) struct Deliveries {
    /// ID of the webhook.
    id: String,
    /// Maximum number of deliveries to list, from 1 to 200.
    #[arg(long, default_value_t = 50, value_name = "NUMBER")]
    limit: u16,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub(super) struct Resend {
    /// ID of the webhook.
    id: String,
    /// ID of the delivery.
    delivery: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub(super) struct RotateSecret {
    /// ID of the webhook.
    id: String,
    /// How many hours messages are also signed with the previous secret, from 0 to 168. Default: 24.
    #[arg(long, value_name = "HOURS")]
    overlap_hours: Option<i64>,
    #[command(flatten)]
    client: ClientArgs,
}

impl Webhook {
    pub(super) async fn run(self) -> CommandResult {
        match self {
            Self::Create(command) => command.run().await,
            Self::List(command) => command.run().await,
            Self::Show(command) => command.show().await,
            Self::Delete(command) => command.client.delete(&["v1", "webhooks", &command.id]).await.map(drop),
            Self::Enable(command) => command.enable().await,
            Self::Deliveries(command) => command.run().await,
            Self::Resend(command) => command.run().await,
            Self::Test(command) => command.test().await,
            Self::RotateSecret(command) => command.run().await,
        }
    }
}

impl Create {
    async fn run(self) -> CommandResult {
        let body = json!({"url": self.target, "events": self.events, "description": self.description});
        let webhook = self.client.post(&["v1", "webhooks"], &body).await?;
        print_secret(&self.client, &webhook);
        Ok(())
    }
}

impl List {
    async fn run(self) -> CommandResult {
        let items = self.client.get_all(&["v1", "webhooks"], &[]).await?;
        if self.client.json {
            output::json(&Value::Array(items));
            return Ok(());
        }
        let members = ["id", "url", "events", "created_at", "disabled_at", "waiting_since"];
        let rows = items.iter().map(|item| members.iter().map(|member| text(item, member)).collect());
        output::table(&["ID", "URL", "Events", "Created", "Disabled", "Waiting since"], rows);
        Ok(())
    }
}

impl WebhookArgs {
    async fn show(self) -> CommandResult {
        let webhook = self.client.get(&["v1", "webhooks", &self.id], &[]).await?;
        print(&self.client, &webhook);
        Ok(())
    }

    async fn enable(self) -> CommandResult {
        let webhook = self.client.post(&["v1", "webhooks", &self.id, "enable"], &json!({})).await?;
        print(&self.client, &webhook);
        Ok(())
    }

    async fn test(self) -> CommandResult {
        let sent = self.client.post(&["v1", "webhooks", &self.id, "test"], &json!({})).await?;
        watch(&self.client, &self.id, &sent).await
    }
}

impl Deliveries {
    async fn run(self) -> CommandResult {
        let limit = self.limit.to_string();
        let page = self
            .client
            .get(&["v1", "webhooks", &self.id, "deliveries"], &[("limit", Some(&limit))])
            .await?;
        if self.client.json {
            output::json(&page["items"]);
            return Ok(());
        }
        let rows = page["items"].as_array().into_iter().flatten().map(|item| {
            let attempts = item["attempts"].as_array().map_or(0, Vec::len);
            let mut row: Vec<String> = ["id", "type", "tenant_id", "state", "created_at"]
                .iter()
                .map(|member| text(item, member))
                .collect();
            row.extend([attempts.to_string(), last_result(item), text(item, "next_attempt_at")]);
            row
        });
        output::table(
            &[
                "ID",
                "Type",
                "Tenant",
                "State",
                "Created",
                "Attempts",
                "Last result",
                "Next attempt",
            ],
            rows,
        );
        Ok(())
    }
}

impl Resend {
    async fn run(self) -> CommandResult {
        let path = ["v1", "webhooks", &self.id, "deliveries", &self.delivery, "resend"];
        let delivery = self.client.post(&path, &json!({})).await?;
        if self.client.json {
            output::json(&delivery);
        } else {
            println!("Resending message {}.", text(&delivery, "message_id"));
        }
        Ok(())
    }
}

impl RotateSecret {
    async fn run(self) -> CommandResult {
        let body = self
            .overlap_hours
            .map_or_else(|| json!({}), |hours| json!({"overlap_hours": hours}));
        let webhook = self.client.post(&["v1", "webhooks", &self.id, "rotate-secret"], &body).await?;
        print_secret(&self.client, &webhook);
        Ok(())
    }
}

/// Waits for the result of a message that is sent only once.
async fn watch(client: &ClientArgs, webhook: &str, sent: &Value) -> CommandResult {
    let clock = app::system_clock();
    let delivery = text(sent, "id");
    for _ in 0..MAX_POLLS {
        let delivery = client.get(&["v1", "webhooks", webhook, "deliveries", &delivery], &[]).await?;
        if delivery["state"] != "waiting" {
            let delivered = delivery["state"] == "delivered";
            if client.json {
                output::json(&delivery);
            } else {
                let words = if delivered { "Delivered" } else { "Not delivered" };
                println!("{words}: {}.", last_result(&delivery));
            }
            return if delivered { Ok(()) } else { Err(Failure::Negative) };
        }
        clock.sleep(POLL_INTERVAL).await;
    }
    Err(Failure::Inconclusive(
        "the test message was not sent; check that a worker is running".into(),
    ))
}

/// The result of the last attempt, with the HTTP status.
fn last_result(delivery: &Value) -> String {
    let Some(last) = delivery["attempts"].as_array().and_then(|attempts| attempts.last()) else {
        return String::new();
    };
    let parts = [text(last, "failure"), text(last, "status")];
    parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" ")
}

fn print(client: &ClientArgs, webhook: &Value) {
    if client.json {
        return output::json(webhook);
    }
    let rows = [
        ("ID", "id"),
        ("URL", "url"),
        ("Events", "events"),
        ("Description", "description"),
        ("Created", "created_at"),
        ("Disabled", "disabled_at"),
        ("Waiting since", "waiting_since"),
        ("Secret generation", "secret_generation"),
        ("Previous secret until", "previous_secret_until"),
    ];
    for (name, member) in rows {
        println!("{name:<28}{}", text(webhook, member));
    }
}

fn print_secret(client: &ClientArgs, webhook: &Value) {
    if client.json {
        return output::json(webhook);
    }
    println!("{}\n{}", text(webhook, "id"), text(webhook, "secret"));
}
