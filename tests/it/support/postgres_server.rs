//! A Postgres server of a test's own, which it can stop, crash and start again.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::server::TIMEOUT;
use super::services::tools;

pub struct Postgres {
    pub url: String,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    // It ends when its standard input closes, and deletes its data.
    keeper: Child,
}

impl Postgres {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A Postgres that loses its last commits in a crash.
    pub async fn start_lossy() -> Self {
        Self::start_with(&["lossy"]).await
    }

    async fn start_with(args: &[&str]) -> Self {
        let python = tools().join("python");
        let mut keeper = Command::new(python)
            .args(["-m", "stack.postgres_keeper"])
            .args(args)
            .env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/dev"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let (orders, out) = (keeper.stdin.take().expect("it listens"), keeper.stdout.take().expect("it speaks"));
        let mut postgres = Self {
            url: String::new(),
            orders,
            answers: BufReader::new(out).lines(),
            keeper,
        };
        postgres.url = postgres.answer().await;
        postgres
    }

    /// `stop`, `crash`, `start`, `detach` (the standby) or `promote` (it), once it is done.
    pub async fn order(&mut self, order: &str) {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.expect("it listens");
        assert_eq!(self.answer().await, "done");
    }

    /// Starts a standby. Returns its URL once it has everything.
    pub(crate) async fn standby(&mut self) -> String {
        self.orders.write_all(b"standby\n").await.expect("it listens");
        self.answer().await
    }

    /// Waits until all its processes have ended.
    pub async fn end(mut self) {
        drop(self.orders);
        let ended = tokio::time::timeout(TIMEOUT, self.keeper.wait()).await;
        assert!(ended.expect("it ends").expect("it is a process").success());
    }

    async fn answer(&mut self) -> String {
        let line = tokio::time::timeout(TIMEOUT, self.answers.next_line()).await;
        line.expect("it answers").expect("it speaks").expect("it goes on")
    }
}
