//! `latchkey webhook create|list|show|delete|enable|deliveries|resend|test|rotate-secret`

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::output::{self, text};
use super::{Failure, Outcome};
use crate::app;

/// Between two looks at a message that is being sent.
const LOOK: Duration = Duration::from_millis(250);

/// A message that is not sent within that has nobody who sends it.
const LOOKS: usize = 240;

#[derive(Debug, Subcommand)]
pub enum Webhook {
    /// Create a webhook; prints its id and its secret, which is shown this once.
    Create(Create),
    /// List webhooks, newest first.
    List(List),
    /// Show a webhook.
    Show(One),
    /// Delete a webhook: nothing more is sent to it.
    Delete(One),
    /// Enable a webhook that was disabled because its receiver answered 410 Gone.
    Enable(One),
    /// List what was sent to a webhook, newest first, and what came of it.
    Deliveries(Deliveries),
    /// Send a message again, now and under the same id.
    Resend(Resend),
    /// Send a test: exit code 0 when it is delivered, 1 when it is not.
    Test(One),
    /// Make the next secret, which is shown this once; the one before it stays good for a while.
    RotateSecret(RotateSecret),
}

#[derive(Debug, Args)]
pub struct Create {
    /// Where messages are sent: an https URL.
    #[arg(value_name = "URL")]
    target: String,
    /// What it is told of, separated by commas; all of it when left out.
    #[arg(long, value_delimiter = ',')]
    events: Option<Vec<String>>,
    /// What it is for.
    #[arg(long)]
    description: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct One {
    /// The webhook's id.
    id: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct Deliveries {
    /// The webhook's id.
    id: String,
    /// How many, 1 to 200.
    #[arg(long, default_value_t = 50, value_name = "NUMBER")]
    limit: u16,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct Resend {
    /// The webhook's id.
    id: String,
    /// The delivery's id.
    delivery: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct RotateSecret {
    /// The webhook's id.
    id: String,
    /// For so long messages are signed by the secret before this one too: 0 to 168 hours, 24 when left out.
    #[arg(long, value_name = "HOURS")]
    overlap_hours: Option<i64>,
    #[command(flatten)]
    client: ClientArgs,
}

impl Webhook {
    pub async fn run(self) -> Outcome {
        match self {
            Self::Create(command) => command.run().await,
            Self::List(command) => command.run().await,
            Self::Show(command) => command.show().await,
            Self::Delete(command) => command.client.delete(&["v1", "webhooks", &command.id]).await,
            Self::Enable(command) => command.enable().await,
            Self::Deliveries(command) => command.run().await,
            Self::Resend(command) => command.run().await,
            Self::Test(command) => command.test().await,
            Self::RotateSecret(command) => command.run().await,
        }
    }
}

impl Create {
    async fn run(self) -> Outcome {
        let body = json!({"url": self.target, "events": self.events, "description": self.description});
        let webhook = self.client.post(&["v1", "webhooks"], &body).await?;
        print_secret(&self.client, &webhook);
        Ok(())
    }
}

impl List {
    async fn run(self) -> Outcome {
        let items = self.client.pages(&["v1", "webhooks"], &[]).await?;
        if self.client.json {
            output::json(&Value::Array(items));
            return Ok(());
        }
        let members = ["id", "url", "events", "created_at", "disabled_at", "waiting_since"];
        let rows = items.iter().map(|item| members.iter().map(|member| text(item, member)).collect());
        output::table(&["Id", "URL", "Events", "Created", "Disabled", "Waiting since"], rows);
        Ok(())
    }
}

impl One {
    async fn show(self) -> Outcome {
        let webhook = self.client.get(&["v1", "webhooks", &self.id], &[]).await?;
        print(&self.client, &webhook);
        Ok(())
    }

    async fn enable(self) -> Outcome {
        let webhook = self.client.post(&["v1", "webhooks", &self.id, "enable"], &json!({})).await?;
        print(&self.client, &webhook);
        Ok(())
    }

    async fn test(self) -> Outcome {
        let sent = self.client.post(&["v1", "webhooks", &self.id, "test"], &json!({})).await?;
        watch(&self.client, &self.id, &sent).await
    }
}

impl Deliveries {
    async fn run(self) -> Outcome {
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
            &["Id", "Type", "Tenant", "State", "Created", "Attempts", "Last", "Next attempt"],
            rows,
        );
        Ok(())
    }
}

impl Resend {
    async fn run(self) -> Outcome {
        let path = ["v1", "webhooks", &self.id, "deliveries", &self.delivery, "resend"];
        let delivery = self.client.post(&path, &json!({})).await?;
        if self.client.json {
            output::json(&delivery);
        } else {
            println!("The message {} is sent again.", text(&delivery, "message_id"));
        }
        Ok(())
    }
}

impl RotateSecret {
    async fn run(self) -> Outcome {
        let body = self
            .overlap_hours
            .map_or_else(|| json!({}), |hours| json!({"overlap_hours": hours}));
        let webhook = self.client.post(&["v1", "webhooks", &self.id, "rotate-secret"], &body).await?;
        print_secret(&self.client, &webhook);
        Ok(())
    }
}

/// Follows a message that is sent once, until it is known what came of it.
async fn watch(client: &ClientArgs, webhook: &str, sent: &Value) -> Outcome {
    let clock = app::system_clock();
    let delivery = text(sent, "id");
    for _ in 0..LOOKS {
        let delivery = client.get(&["v1", "webhooks", webhook, "deliveries", &delivery], &[]).await?;
        if delivery["state"] != "waiting" {
            let delivered = delivery["state"] == "delivered";
            if client.json {
                output::json(&delivery);
            } else {
                let words = if delivered { "It was delivered" } else { "It was not delivered" };
                println!("{words}: {}.", last_result(&delivery));
            }
            return if delivered { Ok(()) } else { Err(Failure::No) };
        }
        clock.sleep(LOOK).await;
    }
    Err(Failure::Unknown("nobody sends the test: does a worker run?".into()))
}

/// What came of the last attempt, with the answer's status.
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
        ("Id", "id"),
        ("URL", "url"),
        ("Events", "events"),
        ("Description", "description"),
        ("Created", "created_at"),
        ("Disabled", "disabled_at"),
        ("Waiting since", "waiting_since"),
        ("Secret", "secret_generation"),
        ("Secret before it good until", "previous_secret_until"),
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
