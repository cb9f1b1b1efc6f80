//! `latchkey openapi`

use clap::Args;

use super::{CommandResult, Failure};
use crate::http;

#[derive(Debug, Args)]
pub(super) struct Openapi {
    /// Print the document of the customers' API instead.
    #[arg(long)]
    customer: bool,
}

pub(super) fn run(command: &Openapi) -> CommandResult {
    let described = if command.customer {
        http::customer_openapi()
    } else {
        http::openapi()
    };
    let document = described
        .to_pretty_json()
        .map_err(|error| Failure::Inconclusive(error.to_string()))?;
    println!("{document}");
    Ok(())
}
