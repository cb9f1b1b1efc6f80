//! The events of a verification, read from the server's event stream. Broken connections are resumed.

use reqwest::Response;
use serde_json::Value;

use super::Failure;
use super::client::{ClientArgs, root_cause};

#[derive(Debug, PartialEq)]
pub(super) enum VerificationEvent {
    /// An attempt started, or the next one was scheduled.
    Attempt(Value),
    Check(Value),
    Finished(Value),
}

/// How many connections in a row may fail without a byte.
const MAX_ATTEMPTS: u32 = 5;

pub(super) struct VerificationStream<'a> {
    client: &'a ClientArgs,
    id: &'a str,
    connection: Option<Response>,
    /// Received bytes that do not form a complete event yet.
    buffer: Vec<u8>,
    last_event_id: u64,
    failed_attempts: u32,
}

impl<'a> VerificationStream<'a> {
    pub(super) fn new(client: &'a ClientArgs, id: &'a str) -> Self {
        Self {
            client,
            id,
            connection: None,
            buffer: Vec::new(),
            last_event_id: 0,
            failed_attempts: 0,
        }
    }

    /// Waits for the next event. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<VerificationEvent, Failure> {
        loop {
            while let Some(block) = self.take_block() {
                if let Some((id, event)) = parse(&block) {
                    self.last_event_id = id;
                    return Ok(event);
                }
            }
            let Some(connection) = &mut self.connection else {
                let path = ["v1", "verifications", self.id, "events"];
                self.connection = Some(self.client.stream(&path, self.last_event_id).await?);
                continue;
            };
            let fault = match connection.chunk().await {
                Ok(Some(bytes)) => {
                    // The server ends streams regularly. A stream with any data, even a keep-alive comment, has not failed.
                    self.failed_attempts = 0;
                    self.buffer.extend_from_slice(&bytes);
                    continue;
                }
                Ok(None) => "the connection was closed".to_owned(),
                Err(error) => root_cause(&error),
            };
            (self.connection, self.buffer) = (None, Vec::new());
            self.failed_attempts += 1;
            if self.failed_attempts == MAX_ATTEMPTS {
                return Err(Failure::Inconclusive(format!("cannot follow verification {}: {fault}", self.id)));
            }
        }
    }

    /// The next event, which ends with an empty line.
    fn take_block(&mut self) -> Option<String> {
        let end = self.buffer.windows(2).position(|pair| pair == b"\n\n")?;
        let block = self.buffer.drain(..end + 2).collect::<Vec<u8>>();
        Some(String::from_utf8_lossy(&block).into_owned())
    }
}

/// An event and its ID. None for comments and unknown event types.
fn parse(block: &str) -> Option<(u64, VerificationEvent)> {
    let field = |name: &str| {
        block
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(str::trim_start)
    };
    let data = serde_json::from_str(field("data")?).ok()?;
    let event = match field("event")? {
        "attempt" => VerificationEvent::Attempt(data),
        "check" => VerificationEvent::Check(data),
        "finished" => VerificationEvent::Finished(data),
        _ => return None,
    };
    Some((field("id")?.parse().ok()?, event))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_parsed_and_comments_skipped() {
        let parsed = parse("id: 7\nevent: check\ndata: {\"name\": \"key-usable\"}\n\n");
        assert_eq!(parsed, Some((7, VerificationEvent::Check(json!({"name": "key-usable"})))));
        assert_eq!(parse(":\n\n"), None);
        assert_eq!(parse("id: 8\nevent: something-newer\ndata: {}\n\n"), None);
    }
}
