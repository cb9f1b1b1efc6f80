//! A Postgres of a test's own, which it may stop, crash and start again.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::server::TIMEOUT;
use super::services::tools;

pub struct Postgres {
    pub url: String,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    // It ends when nothing more can be ordered, and takes its data along.
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

    /// `stop`, `crash` or `start`, once it is done.
    pub async fn order(&mut self, order: &str) {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.expect("it listens");
        assert_eq!(self.answer().await, "done");
    }

    /// Once nothing is left of it.
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
