//! `latchkey verify`

use clap::Args;
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::follow::{Follower, News};
use super::output::{self, say, text};
use super::progress::LiveOutput;
use super::verification::{print, print_verdict};
use super::{Failure, Outcome};
use crate::app;

#[derive(Debug, Args)]
pub struct Verify {
    /// Id or slug.
    tenant: String,
    /// The active version, or else the newest, when left out.
    #[arg(long = "of-version", value_name = "NUMBER")]
    of_version: Option<i32>,
    /// Follow it to its end: exit code 0 when it is verified, 1 when it is rejected, 3 when it stays open.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    client: ClientArgs,
}

impl Verify {
    pub async fn run(self) -> Outcome {
        let body = self.of_version.map_or_else(|| json!({}), |version| json!({"version": version}));
        let verification = self.client.post(&["v1", "tenants", &self.tenant, "verifications"], &body).await?;
        if self.watch {
            return watch(&self.client, &text(&verification, "id")).await;
        }
        self.client.show(&verification, |verification| {
            say(format_args!(
                "The verification {} is {}.",
                text(verification, "id"),
                text(verification, "state")
            ));
        });
        Ok(())
    }
}

/// Follows a verification to its end: in JSON silently, on a terminal as a table that changes in place, otherwise line by line.
pub async fn watch(client: &ClientArgs, id: &str) -> Outcome {
    let verification = if client.json {
        let verification = follow(client, id, |_| {}).await?;
        output::json(&verification);
        verification
    } else if output::is_lively() {
        let verification = LiveOutput::new(app::system_clock()).follow(client, id).await?;
        print(&verification);
        verification
    } else {
        let verification = follow(client, id, tell).await?;
        print_verdict(&verification);
        verification
    };
    match verification["verdict"].as_str() {
        Some("verified") => Ok(()),
        Some("rejected") => Err(Failure::No),
        other => {
            let verdict = other.unwrap_or("nothing");
            Err(Failure::Unknown(format!("the verification ended as {verdict}")))
        }
    }
}

async fn follow(client: &ClientArgs, id: &str, mut tell: impl FnMut(&News)) -> Result<Value, Failure> {
    let mut follower = Follower::of(client, id);
    loop {
        match follower.next().await? {
            News::Finished(verification) => return Ok(verification),
            news => tell(&news),
        }
    }
}

/// A line for each thing that happens.
fn tell(news: &News) {
    match news {
        News::Check(check) => {
            let (status, name) = (text(check, "status"), text(check, "name"));
            say(format_args!("{status:<13} {name:<30} {}", text(check, "summary")));
        }
        News::Attempt(attempt) => {
            let until = text(attempt, "next_attempt_at");
            if !until.is_empty() {
                say(format_args!(
                    "waiting       AWS can take a minute to know of a change; trying again at {until}"
                ));
            }
        }
        News::Finished(_) => {}
    }
}
