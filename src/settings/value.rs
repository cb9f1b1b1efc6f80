//! Parsing of settings, and their error messages.

use std::ffi::OsStr;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use clap::builder::TypedValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};
use ipnet::IpNet;
use reqwest::Url;

/// A missing or invalid setting, in one line. Secrets are never quoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {problem}")]
pub struct ConfigError {
    pub(super) variable: String,
    pub(super) problem: String,
}

impl ConfigError {
    pub(crate) fn new(variable: &str, problem: impl fmt::Display) -> Self {
        Self {
            variable: variable.to_owned(),
            problem: problem.to_string(),
        }
    }
}

/// All invalid settings, one per line.
#[derive(Debug, Default, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    pub fn push(&mut self, error: ConfigError) {
        self.0.push(error);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value. An error is added to the list.
    pub fn collect<T>(&mut self, result: Result<T, ConfigError>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }
}

/// The format of a setting's value, and an example.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format(pub(super) &'static str, pub(super) &'static str);

impl Format {
    /// Parses a setting with `parse`. Surrounding white space is ignored.
    pub(super) fn parser<F>(self, parse: F) -> SettingParser<F> {
        SettingParser { format: self, parse }
    }

    pub(super) fn error(self, variable: &str, fault: impl fmt::Display) -> ConfigError {
        ConfigError {
            variable: variable.to_owned(),
            problem: self.problem(fault),
        }
    }

    fn problem(self, fault: impl fmt::Display) -> String {
        let Self(expected, example) = self;
        format!("{fault}; expected {expected}, for example {example}")
    }
}

/// A clap value parser whose error contains the expected format. [`super::parse_command_line`] turns the error into a
/// [`ConfigError`].
#[derive(Clone)]
pub(super) struct SettingParser<F> {
    format: Format,
    parse: F,
}

impl<F, T, E> TypedValueParser for SettingParser<F>
where
    F: Fn(&str) -> Result<T, E> + Clone + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
    E: fmt::Display,
{
    type Value = T;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, clap::Error> {
        let parsed = match value.to_str() {
            Some(text) => (self.parse)(text.trim()).map_err(|fault| self.format.problem(fault)),
            None => Err(self.format.problem("not valid UTF-8")),
        };
        parsed.map_err(|problem| {
            let mut error = clap::Error::new(ErrorKind::ValueValidation).with_cmd(command);
            let id = arg.map(|arg| arg.get_id().to_string()).unwrap_or_default();
            error.insert(ContextKind::InvalidArg, ContextValue::String(id));
            error.insert(ContextKind::Custom, ContextValue::String(problem));
            error
        })
    }
}

pub(super) fn text(text: &str) -> Result<String, &'static str> {
    if text.is_empty() { Err("empty") } else { Ok(text.to_owned()) }
}

pub(super) fn boolean(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| format!("{text:?} is neither true nor false"))
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| format!("{text:?} is not a duration"))
}

pub(super) fn number(range: std::ops::RangeInclusive<u32>) -> impl Fn(&str) -> Result<u32, String> + Clone {
    move |text| match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        Ok(_) => Err(format!("{text} is out of range")),
        Err(_) => Err(format!("{text:?} is not a whole number")),
    }
}

/// One address, or a network in CIDR notation.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    text.parse::<IpAddr>()
        .map(IpNet::from)
        .or_else(|_| text.parse::<IpNet>().map(|net| net.trunc()))
        .map_err(|_| format!("{text:?} is neither an IP address nor a network"))
}

/// An `https` URL, or an `http` URL on loopback.
pub(super) fn https_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|fault| fault.to_string())?;
    if !is_https_or_loopback(&url) {
        return Err("must be an https URL (http is allowed only for loopback)".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain a user name or password".into());
    }
    Ok(url)
}

/// Whether the traffic to this URL is protected from others: by TLS, or because it stays on this machine.
pub(crate) fn is_https_or_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_loopback = host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback());
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback)
}
