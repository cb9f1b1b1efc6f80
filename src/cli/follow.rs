//! Following a verification by its events, through connections that break.

use reqwest::Response;
use serde_json::Value;

use super::Failure;
use super::client::{ClientArgs, root_cause};

/// What happens in a verification.
#[derive(Debug, PartialEq)]
pub enum News {
    /// An attempt began, or it is known when the next one will.
    Attempt(Value),
    Check(Value),
    Finished(Value),
}

/// How often in a row a connection may end before anything came of it.
const TRIES: u32 = 5;

pub struct Follower<'a> {
    client: &'a ClientArgs,
    id: &'a str,
    stream: Option<Response>,
    /// What came and is not a whole event yet.
    rest: Vec<u8>,
    /// Number of the last event that came.
    last: u64,
    fruitless: u32,
}

impl<'a> Follower<'a> {
    pub fn of(client: &'a ClientArgs, id: &'a str) -> Self {
        Self {
            client,
            id,
            stream: None,
            rest: Vec::new(),
            last: 0,
            fruitless: 0,
        }
    }

    /// Waits for what happens next. May be dropped while it waits: nothing is lost by it.
    pub async fn next(&mut self) -> Result<News, Failure> {
        loop {
            while let Some(block) = self.take_block() {
                if let Some((number, news)) = read(&block) {
                    (self.last, self.fruitless) = (number, 0);
                    return Ok(news);
                }
            }
            let Some(stream) = &mut self.stream else {
                self.stream = Some(self.client.stream(&["v1", "verifications", self.id, "events"], self.last).await?);
                continue;
            };
            let fault = match stream.chunk().await {
                Ok(Some(bytes)) => {
                    self.rest.extend_from_slice(&bytes);
                    continue;
                }
                Ok(None) => "it ended".to_owned(),
                Err(error) => root_cause(&error),
            };
            (self.stream, self.rest) = (None, Vec::new());
            self.fruitless += 1;
            if self.fruitless == TRIES {
                return Err(Failure::Unknown(format!(
                    "the verification {} cannot be followed: {fault}",
                    self.id
                )));
            }
        }
    }

    /// The next event, without the empty line that ends it.
    fn take_block(&mut self) -> Option<String> {
        let end = self.rest.windows(2).position(|pair| pair == b"\n\n")?;
        let block = self.rest.drain(..end + 2).collect::<Vec<u8>>();
        Some(String::from_utf8_lossy(&block).into_owned())
    }
}

/// An event's number and what it tells; none of a comment.
fn read(block: &str) -> Option<(u64, News)> {
    let field = |name: &str| {
        block
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(str::trim_start)
    };
    let data = serde_json::from_str(field("data")?).ok()?;
    let news = match field("event")? {
        "attempt" => News::Attempt(data),
        "check" => News::Check(data),
        "finished" => News::Finished(data),
        _ => return None,
    };
    Some((field("id")?.parse().ok()?, news))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_read_and_a_comment_is_not() {
        let told = read("id: 7\nevent: check\ndata: {\"name\": \"key-usable\"}\n\n");
        assert_eq!(told, Some((7, News::Check(json!({"name": "key-usable"})))));
        assert_eq!(read(":\n\n"), None);
        assert_eq!(read("id: 8\nevent: something-newer\ndata: {}\n\n"), None);
    }
}
