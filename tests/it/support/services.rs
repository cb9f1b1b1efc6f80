//! Locates the test servers: from the environment, or from the file that `./dev/services` writes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::LazyLock;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/dev/.run/services.env");

/// Any database of the tests' Postgres, by its URL.
pub fn postgres() -> String {
    find("LATCHKEY_TEST_DATABASE_URL").expect("Postgres is not running: start it with ./dev/services")
}

/// The endpoints of the AWS stand-ins.
pub fn aws_endpoints() -> Vec<String> {
    let endpoints = find("LATCHKEY_TEST_AWS_ENDPOINTS").expect("the AWS stand-in is not running: start it with ./dev/services");
    endpoints.split(',').map(str::to_owned).collect()
}

/// The folder of `aws` and its Python.
pub fn tools() -> PathBuf {
    find("LATCHKEY_TEST_TOOLS")
        .expect("the tools are not installed: install them with ./dev/services")
        .into()
}

fn find(name: &str) -> Option<String> {
    static FROM_FILE: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
        let text = std::fs::read_to_string(FILE).unwrap_or_default();
        let variables = text.lines().filter_map(|line| line.split_once('='));
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    });
    std::env::var(name).ok().or_else(|| FROM_FILE.get(name).cloned())
}
