//! Runs `latchkey serve` as a process, with its log.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::aws::{AwsAccess, REGION};
use super::server::TIMEOUT;

/// The public URL, as customers would see it.
const ELSEWHERE: &str = "http://127.0.0.1:9";

const BINARY: &str = env!("CARGO_BIN_EXE_latchkey");

/// A process that serves on a server's database. It ends with the test.
pub struct Process {
    child: Option<Child>,
    /// URL of the private listener.
    pub url: String,
    /// URL of the public listener.
    pub public: String,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Process {
    /// Starts it with more settings, and waits until it is ready.
    pub async fn serve(access: &AwsAccess, database_url: &str, more: &[(&str, &str)]) -> Self {
        let process = Self::start(access, database_url, more).await;
        process
            .until("it gets ready", |process| async move {
                let answer = reqwest::get(format!("{}/readyz", process.url)).await;
                answer.is_ok_and(|answer| answer.status().is_success())
            })
            .await;
        process
    }

    /// Starts it, and waits until it listens.
    pub async fn start(access: &AwsAccess, database_url: &str, more: &[(&str, &str)]) -> Self {
        Self::run(Command::new(BINARY), access, database_url, more).await
    }

    /// The same with a limit on file descriptors.
    pub async fn start_with_files(access: &AwsAccess, database_url: &str, files: u32, more: &[(&str, &str)]) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -n \"$0\" && exec \"$@\"", &files.to_string(), BINARY]);
        Self::run(command, access, database_url, more).await
    }

    async fn run(mut command: Command, access: &AwsAccess, database_url: &str, more: &[(&str, &str)]) -> Self {
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LATCHKEY_") || name.starts_with("AWS_")) {
            command.env_remove(name);
        }
        let mut child = command
            .arg("serve")
            .env("DATABASE_URL", database_url)
            .env("LATCHKEY_STORAGE_ROLE_ARN", &access.storage_role)
            .env("LATCHKEY_DIRECT_ROLE_ARN", &access.direct_role)
            .env("LATCHKEY_PUBLIC_LISTEN", "127.0.0.1:0")
            .env("LATCHKEY_PRIVATE_LISTEN", "127.0.0.1:0")
            .env("LATCHKEY_PUBLIC_URL", ELSEWHERE)
            .env("LATCHKEY_PROPAGATION_WINDOW", "0s")
            .env("LATCHKEY_S3_PATH_STYLE", "true")
            .env("LATCHKEY_LOG_FORMAT", "json")
            .env("AWS_ENDPOINT_URL", &access.endpoint)
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", &access.keys.id)
            .env("AWS_SECRET_ACCESS_KEY", &access.keys.secret)
            .envs(more.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the process starts");
        let stderr = child.stderr.take().expect("it writes to the standard error");
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let (said, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let kept = lines.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line.clone());
                let _ = said.send(line);
            }
        });
        let addresses = async {
            let mut public = String::new();
            loop {
                let line = heard.recv().await.expect("it goes on");
                let line: Value = serde_json::from_str(&line).unwrap_or_default();
                let url = || format!("http://{}", line["address"].as_str().unwrap_or_default());
                match line["message"].as_str() {
                    Some("public listener ready") => public = url(),
                    Some("private listener ready") => break (public, url()),
                    _ => {}
                }
            }
        };
        let (public, url) = tokio::time::timeout(TIMEOUT, addresses).await.expect("it listens");
        Self {
            child: Some(child),
            url,
            public,
            lines,
        }
    }

    /// Polls until the condition is true.
    pub async fn until<'a, F>(&'a self, what: &str, mut asked: impl FnMut(&'a Self) -> F)
    where
        F: Future<Output = bool>,
    {
        let asking = async {
            while !asked(self).await {
                tokio::task::yield_now().await;
            }
        };
        assert!(tokio::time::timeout(TIMEOUT, asking).await.is_ok(), "{what}: {:#?}", self.said());
    }

    /// A link to the form with the actual port, which was not known when the public URL was set.
    pub fn reached(&self, link: &str) -> String {
        link.replacen(ELSEWHERE, &self.public, 1)
    }

    /// The lines of its log so far.
    pub fn said(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Kills it.
    pub fn kill(self) {
        drop(self);
    }

    /// Sends SIGTERM and waits for the end.
    pub async fn end(&mut self) {
        let mut child = self.child.take().expect("it runs");
        let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        assert!(sent.expect("kill is there").success());
        let ended = tokio::task::spawn_blocking(move || child.wait());
        let ended = tokio::time::timeout(TIMEOUT, ended).await.expect("the process ends");
        assert!(ended.unwrap().unwrap().success());
    }
}
