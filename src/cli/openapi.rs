//! `latchkey openapi`

use super::{Failure, Outcome};
use crate::http;

pub(super) fn run() -> Outcome {
    let document = http::openapi()
        .to_pretty_json()
        .map_err(|error| Failure::Inconclusive(error.to_string()))?;
    println!("{document}");
    Ok(())
}
