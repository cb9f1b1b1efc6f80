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
        let python = tools().join("python");
        let mut keeper = Command::new(python)
            .args(["-m", "stack.postgres_keeper"])
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

    /// Runs `stop`, `crash` or `start`.
    pub async fn order(&mut self, order: &str) {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.expect("it listens");
        assert_eq!(self.answer().await, "done");
    }

    /// Stops the server and deletes its data.
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
