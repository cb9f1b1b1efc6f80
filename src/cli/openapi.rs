//! `latchkey openapi`

use super::{CommandResult, Failure};
use crate::http;

pub(super) fn run() -> CommandResult {
    let document = http::openapi()
        .to_pretty_json()
        .map_err(|error| Failure::Inconclusive(error.to_string()))?;
    println!("{document}");
    Ok(())
}
