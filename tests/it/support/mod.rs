//! What the tests are built from: servers, processes, AWS accounts, an SMTP relay, and proxies that can be broken.

pub mod aws;
pub mod aws_proxy;
pub mod cli;
pub mod clock;
pub mod database;
pub mod db_proxy;
pub mod granting_cloud;
pub mod identity_provider;
pub mod locks;
pub mod pages;
pub mod postgres_server;
pub mod process;
pub mod relay;
pub mod seed;
pub mod server;
pub mod services;
pub mod shell;
