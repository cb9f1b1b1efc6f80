//! The command line. One file per command.

mod audit;
mod campaign;
mod check_config;
mod checks;
mod client;
mod completions;
mod config;
mod contact;
mod credential_process;
mod database;
mod drift;
mod events;
mod external_id;
mod healthcheck;
mod invite;
mod metrics;
mod openapi;
mod output;
mod progress;
mod removal;
mod reverify;
mod serve;
mod settings;
mod stats;
mod submit;
mod template;
mod tenant;
mod token;
mod validate;
mod vendor;
mod verification;
mod verification_stream;
mod verify;
mod webhook;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::settings::{ConfigError, ConfigErrors, ParseError, parse_command_line};

/// Onboard customers' own S3 buckets and KMS keys, and verify the access that they grant.
#[derive(Debug, Parser)]
#[command(name = "latchkey", version, max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run both listeners and a worker.
    Serve(serve::Serve),
    /// Run only a worker.
    Worker(serve::Worker),
    /// Migrate the database schema.
    Migrate(database::Migrate),
    /// Verify the audit log in the database.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Check the settings without starting anything.
    CheckConfig(check_config::CheckConfig),
    /// Check that a server on this machine is running.
    Healthcheck(healthcheck::Healthcheck),
    /// Create, list and revoke tokens.
    #[command(subcommand)]
    Token(token::Token),
    /// Create, list, show, edit, suspend, resume, offboard and erase tenants.
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    /// Invite a tenant to the onboarding form and print the link.
    Invite(invite::Invite),
    /// Manage the contacts of a tenant, who are notified by mail of what happens to its storage.
    #[command(subcommand)]
    Contact(contact::Contact),
    /// Ask customers to update the documents that they applied, and see how far they are.
    #[command(subcommand)]
    Campaign(campaign::Campaign),
    /// Rotate a tenant's external ID.
    #[command(subcommand)]
    ExternalId(external_id::ExternalId),
    /// Print the policies and settings that a tenant has to apply in AWS.
    Template(template::Template),
    /// Validate a storage config without saving it or calling AWS.
    ///
    /// Exit code: 0 valid, 1 invalid.
    Validate(validate::Validate),
    /// Submit a tenant's storage config and verify it.
    Submit(submit::Submit),
    /// List and show storage configs, and approve or decline changes.
    #[command(subcommand)]
    Config(config::Config),
    /// Verify a tenant's storage.
    Verify(verify::Verify),
    /// Verify tenants again sooner, or later, than they are due.
    Reverify(reverify::Reverify),
    /// List what changed at the storage of tenants, newest first.
    Drift(drift::Drift),
    /// List and show verifications.
    #[command(subcommand)]
    Verification(verification::Verification),
    /// Print what you have to apply in your own AWS account.
    #[command(subcommand)]
    Vendor(vendor::Vendor),
    /// Print the offboarding steps for a tenant.
    Removal(removal::Removal),
    /// Show the number of tenants by status, the checks they fail, and how re-verification keeps up.
    Stats(stats::Stats),
    /// Print the audit log, oldest first.
    Events(events::Events),
    /// Manage webhooks and their deliveries.
    #[command(subcommand)]
    Webhook(webhook::Webhook),
    /// Print credentials for a tenant's bucket.
    ///
    /// Use it as `credential_process` in an AWS profile.
    CredentialProcess(credential_process::CredentialProcess),
    /// Print the settings reference as Markdown.
    Settings,
    /// Print the checks reference as Markdown.
    Checks,
    /// Print the metrics reference as Markdown.
    Metrics,
    /// Print the OpenAPI document.
    Openapi(openapi::Openapi),
    /// Print a shell completion script.
    Completions(completions::Completions),
}

/// Why a command does not exit with 0.
#[derive(Debug)]
enum Failure {
    /// The result is negative, for example a rejected verification. Exit code 1.
    Negative,
    /// The command line, a setting or the request is invalid. Exit code 2.
    Usage(String),
    /// The result could not be determined. Exit code 3.
    Inconclusive(String),
}

type CommandResult = Result<(), Failure>;

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
        Err(Failure::Negative) => return ExitCode::from(1),
        Err(Failure::Usage(message)) => (2, message),
        Err(Failure::Inconclusive(message)) => (3, message),
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
    fn run(self) -> CommandResult {
        let runtime =
            tokio::runtime::Runtime::new().map_err(|fault| Failure::Inconclusive(format!("cannot start the runtime: {fault}")))?;
        let outcome = runtime.block_on(async {
            match self.command {
                Command::Serve(command) => Box::pin(command.run()).await,
                Command::Worker(command) => Box::pin(command.run()).await,
                Command::Migrate(command) => command.run().await,
                Command::Audit(command) => command.run().await,
                Command::CheckConfig(command) => Box::pin(command.run()).await,
                Command::Healthcheck(command) => command.run().await,
                Command::Token(command) => command.run().await,
                Command::Tenant(command) => command.run().await,
                Command::Invite(command) => command.run().await,
                Command::Contact(command) => command.run().await,
                Command::Campaign(command) => command.run().await,
                Command::ExternalId(command) => command.run().await,
                Command::Template(command) => command.run().await,
                Command::Validate(command) => command.run().await,
                Command::Submit(command) => command.run().await,
                Command::Config(command) => command.run().await,
                Command::Verify(command) => command.run().await,
                Command::Reverify(command) => command.run().await,
                Command::Drift(command) => command.run().await,
                Command::Verification(command) => command.run().await,
                Command::Vendor(command) => command.run(),
                Command::Removal(command) => command.run().await,
                Command::Stats(command) => command.run().await,
                Command::Events(command) => command.run().await,
                Command::Webhook(command) => command.run().await,
                Command::CredentialProcess(command) => command.run().await,
                Command::Settings => {
                    settings::run();
                    Ok(())
                }
                Command::Checks => {
                    checks::run();
                    Ok(())
                }
                Command::Metrics => {
                    metrics::run();
                    Ok(())
                }
                Command::Openapi(command) => openapi::run(&command),
                Command::Completions(command) => {
                    command.run(Self::command());
                    Ok(())
                }
            }
        });
        // Do not wait for blocking threads, such as a DNS lookup.
        runtime.shutdown_background();
        outcome
    }
}
