//! The command line: one file for each command.

mod check_config;
mod checks;
mod client;
mod completions;
mod config;
mod credential_process;
mod database;
mod events;
mod external_id;
mod follow;
mod healthcheck;
mod invite;
mod metrics;
mod openapi;
mod output;
mod progress;
mod removal;
mod serve;
mod settings;
mod stats;
mod submit;
mod template;
mod tenant;
mod token;
mod validate;
mod verification;
mod verify;
mod webhook;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::settings::{ConfigError, ConfigErrors, ParseError, parse_command_line};

/// Onboards customer-owned S3 buckets and KMS keys, and proves that access works for you and for nobody else.
#[derive(Debug, Parser)]
#[command(name = "latchkey", version, max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve both listeners, and work on the queue.
    Serve(serve::Serve),
    /// Work on the queue alone.
    Worker(serve::Worker),
    /// Bring the database's schema up to date.
    Migrate(database::Migrate),
    /// Print the `OpenAPI` document.
    Openapi,
    /// Check the settings without starting anything.
    CheckConfig(check_config::CheckConfig),
    /// Print the reference of all settings, in Markdown.
    Settings,
    /// Print what every check proves, as a table in Markdown.
    Checks,
    /// Print what every metric tells, as a table in Markdown.
    Metrics,
    /// Print a script that completes commands in a shell.
    Completions(completions::Completions),
    /// Ask a running server whether it lives.
    Healthcheck(healthcheck::Healthcheck),
    /// Create, list and revoke tokens.
    #[command(subcommand)]
    Token(token::Token),
    /// Create, list, show, edit, suspend, resume, offboard and erase tenants.
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    /// Rotate a tenant's external ID.
    #[command(subcommand)]
    ExternalId(external_id::ExternalId),
    /// Print the audit log, oldest first.
    Events(events::Events),
    /// Invite a tenant's people to the form; prints the link.
    Invite(invite::Invite),
    /// Print the documents that a tenant has to apply.
    Template(template::Template),
    /// Judge a storage config without storing it or asking AWS: exit code 0 when it is valid, 1 when it is not.
    Validate(validate::Validate),
    /// Submit a tenant's storage config.
    Submit(submit::Submit),
    /// List and show what a tenant submitted.
    #[command(subcommand)]
    Config(config::Config),
    /// Verify a tenant's storage.
    Verify(verify::Verify),
    /// List and show verifications.
    #[command(subcommand)]
    Verification(verification::Verification),
    /// Print what a tenant takes away again once it has ended.
    Removal(removal::Removal),
    /// Show how many tenants have which status, and which checks keep them waiting.
    Stats(stats::Stats),
    /// Create, list, show and delete webhooks, and see what was sent to them.
    #[command(subcommand)]
    Webhook(webhook::Webhook),
    /// Print credentials for a tenant's documents, as `credential_process` of an AWS profile wants them.
    CredentialProcess(credential_process::CredentialProcess),
}

/// How a command ends.
#[derive(Debug)]
pub enum Failure {
    /// The answer is no: a rejected verification, for instance.
    No,
    /// The command was given wrongly, or the settings are.
    Usage(String),
    /// It could not be found out.
    Unknown(String),
}

pub type Outcome = Result<(), Failure>;

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::Usage(errors.to_string())
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let outcome = match parse_command_line::<Cli>(std::env::args_os()) {
        Ok(cli) => cli.run(),
        Err(ParseError::Settings(errors)) => Err(errors.into()),
        Err(ParseError::CommandLine(error)) => error.exit(),
    };
    let (code, message) = match outcome {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::No) => return ExitCode::from(1),
        Err(Failure::Usage(message)) => (2, message),
        Err(Failure::Unknown(message)) => (3, message),
    };
    // Continuation lines are indented.
    for line in message.lines() {
        if line.starts_with(' ') {
            eprintln!("{line}");
        } else {
            eprintln!("latchkey: {line}");
        }
    }
    ExitCode::from(code)
}

impl Cli {
    fn run(self) -> Outcome {
        let runtime = tokio::runtime::Runtime::new().map_err(|fault| Failure::Unknown(format!("cannot start the runtime: {fault}")))?;
        runtime.block_on(async {
            match self.command {
                Command::Serve(command) => Box::pin(command.run()).await,
                Command::Worker(command) => Box::pin(command.run()).await,
                Command::Migrate(command) => command.run().await,
                Command::Openapi => openapi::run(),
                Command::CheckConfig(command) => command.run().await,
                Command::Settings => settings::run(),
                Command::Checks => checks::run(),
                Command::Metrics => metrics::run(),
                Command::Completions(command) => {
                    command.run(Self::command());
                    Ok(())
                }
                Command::Healthcheck(command) => command.run().await,
                Command::Token(command) => command.run().await,
                Command::Tenant(command) => command.run().await,
                Command::Events(command) => command.run().await,
                Command::ExternalId(command) => command.run().await,
                Command::Invite(command) => command.run().await,
                Command::Template(command) => command.run().await,
                Command::Submit(command) => command.run().await,
                Command::Validate(command) => command.run().await,
                Command::Config(command) => command.run().await,
                Command::Verify(command) => command.run().await,
                Command::Verification(command) => command.run().await,
                Command::Removal(command) => command.run().await,
                Command::Stats(command) => command.run().await,
                Command::Webhook(command) => command.run().await,
                Command::CredentialProcess(command) => command.run().await,
            }
        })
    }
}
