//! What a customer's engineer runs.

use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;
use tokio::process::Command;

use super::aws::{REGION, World};

/// A customer's shell: the AWS CLI first on its path, and credentials of the account.
pub struct Shell<'a> {
    pub tools: PathBuf,
    pub world: &'a World,
}

impl Shell<'_> {
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env_clear()
            .env("PATH", format!("{}:{path}", self.tools.display()))
            .env("HOME", "/nonexistent")
            .env("AWS_ENDPOINT_URL", &self.world.endpoint)
            .env("AWS_DEFAULT_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", &self.world.customer.id)
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    pub async fn aws(&self, arguments: &[&str]) -> Value {
        let ran = self.command("aws").args(arguments).args(["--output", "json"]).output().await;
        let ran = succeeded(ran.expect("aws runs"));
        serde_json::from_slice(&ran.stdout).unwrap_or_default()
    }

    pub async fn script(&self, script: &str, arguments: &[&str]) -> Output {
        let mut command = self.command("sh");
        command
            .args(["-c", script, "script"])
            .args(arguments)
            .stdin(std::process::Stdio::null());
        command.output().await.expect("sh runs")
    }
}

pub fn succeeded(ran: Output) -> Output {
    assert!(
        ran.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
    ran
}
