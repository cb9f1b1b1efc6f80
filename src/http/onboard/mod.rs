//! `/onboard`: the customer's form, on the public listener.

use crate::settings::Front;

/// What the form needs beside what every handler is handed.
#[derive(Debug)]
pub struct Desk {
    pub front: Front,
}

impl Desk {
    pub fn new(front: Front) -> Self {
        Self { front }
    }
}
