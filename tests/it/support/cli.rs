//! The command line, run against a server.

use std::process::{Command, Output};

use super::server::TestServer;

pub fn latchkey(args: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("LATCHKEY_") || name.starts_with("AWS_") || name == "DATABASE_URL")
    {
        command.env_remove(name);
    }
    command.args(args).envs(env.iter().copied()).output().expect("the binary starts")
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub async fn run(args: &[&str], server: &TestServer) -> Output {
    run_as(&server.token, args, server).await
}

pub async fn run_as(token: &str, args: &[&str], server: &TestServer) -> Output {
    let (url, token) = (server.private.clone(), token.to_owned());
    let args: Vec<String> = args.iter().map(ToString::to_string).collect();
    tokio::task::spawn_blocking(move || {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        latchkey(&args, &[("LATCHKEY_URL", &url), ("LATCHKEY_TOKEN", &token)])
    })
    .await
    .unwrap()
}
