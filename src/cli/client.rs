//! The way to the private listener, for the commands that people use.

use clap::Args;
use reqwest::header::{ETAG, IF_MATCH};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{Failure, output};

#[derive(Debug, Args)]
pub struct ClientArgs {
    /// The URL of the private listener.
    #[arg(long, env = "LATCHKEY_URL", default_value = "http://127.0.0.1:8081", value_name = "URL")]
    url: Url,

    /// A token that may do this.
    #[arg(long, env = "LATCHKEY_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<SecretString>,

    /// Print JSON instead of text for people.
    #[arg(long)]
    pub json: bool,
}

impl ClientArgs {
    pub async fn get(&self, path: &[&str], query: &[(&str, Option<&str>)]) -> Result<Value, Failure> {
        self.send(Method::GET, self.asking(path, query)?, None).await
    }

    /// All items of a list that comes in pages.
    pub async fn pages(&self, path: &[&str], query: &[(&str, Option<&str>)]) -> Result<Vec<Value>, Failure> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let place = [("cursor", cursor.as_deref()), ("limit", Some("200"))];
            let page = self.get(path, &[query, &place].concat()).await?;
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return Ok(items);
            }
        }
    }

    /// An answer that is a file.
    pub async fn get_file(&self, path: &[&str], query: &[(&str, Option<&str>)]) -> Result<String, Failure> {
        let url = self.asking(path, query)?;
        let answer = self.answer(self.request(Method::GET, url.clone())?).await?;
        if !answer.status().is_success() {
            return Self::read(&url, answer).await.map(|problem| problem.to_string());
        }
        answer
            .text()
            .await
            .map_err(|error| Failure::Unknown(format!("{url} broke off: {}", root_cause(&error))))
    }

    fn asking(&self, path: &[&str], query: &[(&str, Option<&str>)]) -> Result<Url, Failure> {
        let mut url = self.at(path)?;
        for (name, value) in query {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        Ok(url)
    }

    pub async fn post(&self, path: &[&str], body: &Value) -> Result<Value, Failure> {
        self.send(Method::POST, self.at(path)?, Some(body)).await
    }

    /// An answer, or what is wrong with each field.
    pub async fn judge(&self, path: &[&str], body: &Value) -> Result<Result<Value, Value>, Failure> {
        let url = self.at(path)?;
        let answer = self.answer(self.request(Method::POST, url.clone())?.json(body)).await?;
        if answer.status() != StatusCode::UNPROCESSABLE_ENTITY {
            return Self::read(&url, answer).await.map(Ok);
        }
        let mut problem: Value = answer.json().await.map_err(|error| Failure::Unknown(root_cause(&error)))?;
        Ok(Err(problem["errors"].take()))
    }

    /// Changes what is there, as it was a moment ago.
    pub async fn change(&self, path: &[&str], body: &Value) -> Result<Value, Failure> {
        let url = self.at(path)?;
        let before = self.answer(self.request(Method::GET, url.clone())?).await?;
        let etag = before.headers().get(ETAG).cloned();
        Self::read(&url, before).await?;
        let mut request = self.request(Method::PATCH, url.clone())?.json(body);
        if let Some(etag) = etag {
            request = request.header(IF_MATCH, etag);
        }
        Self::read(&url, self.answer(request).await?).await
    }

    /// A stream of events, after the one of this number.
    pub async fn stream(&self, path: &[&str], after: u64) -> Result<Response, Failure> {
        let url = self.at(path)?;
        let request = self.request(Method::GET, url.clone())?.header("last-event-id", after);
        let answer = self.answer(request).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(Self::read(&url, answer)
            .await
            .err()
            .unwrap_or_else(|| Failure::Unknown("there is no stream".into())))
    }

    pub async fn delete(&self, path: &[&str]) -> Result<(), Failure> {
        self.send(Method::DELETE, self.at(path)?, None).await.map(drop)
    }

    pub async fn delete_with(&self, path: &[&str], body: &Value) -> Result<Value, Failure> {
        self.send(Method::DELETE, self.at(path)?, Some(body)).await
    }

    /// The URL of a path, each part of it escaped.
    fn at(&self, path: &[&str]) -> Result<Url, Failure> {
        let mut url = self.url.clone();
        url.path_segments_mut()
            .map_err(|()| Failure::Usage("LATCHKEY_URL is no http or https URL".into()))?
            .pop_if_empty()
            .extend(path);
        Ok(url)
    }

    async fn send(&self, method: Method, url: Url, body: Option<&Value>) -> Result<Value, Failure> {
        let mut request = self.request(method, url.clone())?;
        if let Some(body) = body {
            request = request.json(body);
        }
        Self::read(&url, self.answer(request).await?).await
    }

    fn request(&self, method: Method, url: Url) -> Result<RequestBuilder, Failure> {
        let token = self
            .token
            .as_ref()
            .ok_or_else(|| Failure::Usage("no token: set LATCHKEY_TOKEN, or make one with latchkey token create".into()))?;
        Ok(reqwest::Client::new().request(method, url).bearer_auth(token.expose_secret()))
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let sent = request.send().await;
        sent.map_err(|error| Failure::Unknown(format!("{} does not answer: {}", self.url, root_cause(&error))))
    }

    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Prints an answer as it is for programs, or as a person reads it.
    pub fn show(&self, answer: &Value, for_people: impl FnOnce(&Value)) {
        if self.json {
            output::json(answer);
        } else {
            for_people(answer);
        }
    }

    async fn read(url: &Url, answer: Response) -> Result<Value, Failure> {
        let status = answer.status();
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let value: Value = answer.json().await.map_err(|_| {
            Failure::Unknown(format!(
                "{url} answered {status} without JSON: is this Latchkey's private listener?"
            ))
        })?;
        if status.is_success() {
            return Ok(value);
        }
        Err(failure(status, &value))
    }
}

pub fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// A problem in the words that it came with, every field on a line of its own.
fn failure(status: StatusCode, problem: &Value) -> Failure {
    let mut message = problem["detail"].as_str().unwrap_or("the server gave no reason").to_owned();
    for error in problem["errors"].as_array().into_iter().flatten() {
        let part = |member| error[member].as_str().unwrap_or_default();
        message = format!("{message}\n  {}: {}", part("field"), part("detail"));
    }
    if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
        Failure::Usage(message)
    } else {
        Failure::Unknown(message)
    }
}
