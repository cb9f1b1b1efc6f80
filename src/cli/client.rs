//! HTTP client of the private listener, and its flags.

use std::path::{Path, PathBuf};

use clap::Args;
use reqwest::header::{ETAG, IF_MATCH};
use reqwest::{Certificate, Identity, Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{Failure, output};

#[derive(Debug, Args)]
pub(super) struct ClientArgs {
    /// URL of the private listener.
    #[arg(long, env = "LATCHKEY_URL", default_value = "http://127.0.0.1:8081", value_name = "URL")]
    url: Url,

    /// API token with the role that the command needs.
    #[arg(long, env = "LATCHKEY_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<SecretString>,

    /// PEM file with the certificate authorities of the private listener, in addition to the system's.
    #[arg(long, env = "LATCHKEY_CA", value_name = "FILE")]
    ca: Option<PathBuf>,

    /// PEM file with a client certificate and its private key, if the private listener requires one.
    #[arg(long, env = "LATCHKEY_CLIENT_CERT", value_name = "FILE")]
    client_cert: Option<PathBuf>,

    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

type Query<'a> = [(&'a str, Option<&'a str>)];

fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|fault| Failure::Usage(format!("{} cannot be read: {fault}", path.display())))
}

fn unusable(path: &Path, error: &reqwest::Error) -> Failure {
    Failure::Usage(format!("{} cannot be used: {}", path.display(), root_cause(error)))
}

impl ClientArgs {
    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    pub(super) async fn get(&self, path: &[&str], query: &Query<'_>) -> Result<Value, Failure> {
        self.call(Method::GET, self.url_with_query(path, query)?, None).await
    }

    /// The items of all pages of a list.
    pub(super) async fn get_all(&self, path: &[&str], query: &Query<'_>) -> Result<Vec<Value>, Failure> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let paging = [("cursor", cursor.as_deref()), ("limit", Some("200"))];
            let page = self.get(path, &[query, &paging].concat()).await?;
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return Ok(items);
            }
        }
    }

    /// A response that is a file instead of JSON.
    pub(super) async fn get_text(&self, path: &[&str], query: &Query<'_>) -> Result<String, Failure> {
        let url = self.url_with_query(path, query)?;
        let response = self.send(self.request(Method::GET, url.clone())?).await?;
        if !response.status().is_success() {
            return Self::read(&url, response).await.map(|problem| problem.to_string());
        }
        response
            .text()
            .await
            .map_err(|error| Failure::Inconclusive(format!("the response from {url} was incomplete: {}", root_cause(&error))))
    }

    pub(super) async fn post(&self, path: &[&str], body: &Value) -> Result<Value, Failure> {
        self.call(Method::POST, self.url_of(path)?, Some(body)).await
    }

    /// The response, or the field errors of an invalid body.
    pub(super) async fn validate(&self, path: &[&str], body: &Value) -> Result<Result<Value, Value>, Failure> {
        let url = self.url_of(path)?;
        let response = self.send(self.request(Method::POST, url.clone())?.json(body)).await?;
        if response.status() != StatusCode::UNPROCESSABLE_ENTITY {
            return Self::read(&url, response).await.map(Ok);
        }
        let mut problem: Value = response.json().await.map_err(|error| Failure::Inconclusive(root_cause(&error)))?;
        Ok(Err(problem["errors"].take()))
    }

    /// Reads a resource and changes it. Fails if someone else changes it in between.
    pub(super) async fn patch(&self, path: &[&str], body: &Value) -> Result<Value, Failure> {
        let url = self.url_of(path)?;
        let current = self.send(self.request(Method::GET, url.clone())?).await?;
        let etag = current.headers().get(ETAG).cloned();
        Self::read(&url, current).await?;
        let mut request = self.request(Method::PATCH, url.clone())?.json(body);
        if let Some(etag) = etag {
            request = request.header(IF_MATCH, etag);
        }
        Self::read(&url, self.send(request).await?).await
    }

    /// A stream of server-sent events, starting after the given event ID.
    pub(super) async fn stream(&self, path: &[&str], last_event_id: u64) -> Result<Response, Failure> {
        let url = self.url_of(path)?;
        let request = self.request(Method::GET, url.clone())?.header("last-event-id", last_event_id);
        let response = self.send(request).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(Self::read(&url, response)
            .await
            .err()
            .unwrap_or_else(|| Failure::Inconclusive("the server sent no event stream".into())))
    }

    pub(super) async fn delete(&self, path: &[&str]) -> Result<Value, Failure> {
        self.call(Method::DELETE, self.url_of(path)?, None).await
    }

    pub(super) async fn delete_with(&self, path: &[&str], body: &Value) -> Result<Value, Failure> {
        self.call(Method::DELETE, self.url_of(path)?, Some(body)).await
    }

    /// Prints a response as JSON, or as text with `print_text`.
    pub(super) fn print(&self, response: &Value, print_text: impl FnOnce(&Value)) {
        if self.json {
            output::json(response);
        } else {
            print_text(response);
        }
    }

    /// The URL of a path. Each segment is escaped.
    fn url_of(&self, path: &[&str]) -> Result<Url, Failure> {
        let mut url = self.url.clone();
        url.path_segments_mut()
            .map_err(|()| Failure::Usage("LATCHKEY_URL must be an http or https URL".into()))?
            .pop_if_empty()
            .extend(path);
        Ok(url)
    }

    fn url_with_query(&self, path: &[&str], query: &Query<'_>) -> Result<Url, Failure> {
        let mut url = self.url_of(path)?;
        for (name, value) in query {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        Ok(url)
    }

    async fn call(&self, method: Method, url: Url, body: Option<&Value>) -> Result<Value, Failure> {
        let mut request = self.request(method, url.clone())?;
        if let Some(body) = body {
            request = request.json(body);
        }
        Self::read(&url, self.send(request).await?).await
    }

    fn request(&self, method: Method, url: Url) -> Result<RequestBuilder, Failure> {
        let token = self
            .token
            .as_ref()
            .ok_or_else(|| Failure::Usage("Set LATCHKEY_TOKEN or pass --token. To create a token, run `latchkey token create`.".into()))?;
        Ok(self.client()?.request(method, url).bearer_auth(token.expose_secret()))
    }

    fn client(&self) -> Result<reqwest::Client, Failure> {
        let mut builder = reqwest::Client::builder();
        if let Some(path) = &self.ca {
            let authorities = Certificate::from_pem_bundle(&read_file(path)?).map_err(|error| unusable(path, &error))?;
            builder = builder.tls_certs_merge(authorities);
        }
        if let Some(path) = &self.client_cert {
            builder = builder.identity(Identity::from_pem(&read_file(path)?).map_err(|error| unusable(path, &error))?);
        }
        builder.build().map_err(|error| Failure::Usage(root_cause(&error)))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let sent = request.send().await;
        sent.map_err(|error| Failure::Inconclusive(format!("{} did not respond: {}", self.url, root_cause(&error))))
    }

    async fn read(url: &Url, response: Response) -> Result<Value, Failure> {
        let status = response.status();
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let body: Value = response.json().await.map_err(|_| {
            Failure::Inconclusive(format!(
                "{url} responded with status {status} and no JSON; check that LATCHKEY_URL is the URL of Latchkey's private listener"
            ))
        })?;
        if status.is_success() {
            return Ok(body);
        }
        Err(failure(status, &body))
    }
}

pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// A problem's detail, followed by one line for each invalid field.
fn failure(status: StatusCode, problem: &Value) -> Failure {
    let mut message = problem["detail"].as_str().unwrap_or("the server gave no reason").to_owned();
    for error in problem["errors"].as_array().into_iter().flatten() {
        let part = |name| error[name].as_str().unwrap_or_default();
        message = format!("{message}\n  {}: {}", part("field"), part("detail"));
    }
    if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
        Failure::Usage(message)
    } else {
        Failure::Inconclusive(message)
    }
}
