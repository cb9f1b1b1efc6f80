//! A Postgres of a test's own, which it may stop, crash and start again.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::server::PATIENCE;
use crate::shell::tools;

pub struct Postgres {
    pub url: String,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    // It ends when nothing more can be ordered, and takes its data along.
    keeper: Child,
}

impl Postgres {
    /// None where there are no tools.
    pub async fn start() -> Option<Self> {
        let python = tools()?.join("python");
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
        Some(postgres)
    }

    /// `stop`, `crash` or `start`, once it is done.
    pub async fn order(&mut self, order: &str) {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.expect("it listens");
        assert_eq!(self.answer().await, "done");
    }

    /// Once nothing is left of it.
    pub async fn end(mut self) {
        drop(self.orders);
        let ended = tokio::time::timeout(PATIENCE, self.keeper.wait()).await;
        assert!(ended.expect("it ends").expect("it is a process").success());
    }

    async fn answer(&mut self) -> String {
        let line = tokio::time::timeout(PATIENCE, self.answers.next_line()).await;
        line.expect("it answers").expect("it speaks").expect("it goes on")
    }
}
