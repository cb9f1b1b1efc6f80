//! The configuration shared by all AWS clients: HTTP client, timeouts and retries.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, ConfigLoader, SdkConfig};
use aws_sdk_s3::config::{RuntimeComponents, SharedHttpClient};
use aws_smithy_http_client::proxy::{ProxyConfig, ProxyError};
use aws_smithy_http_client::{Builder, ConnectorBuilder, tls};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::ExposeSecret;

use crate::cloud::{APP_NAME, OutsideProxy};

/// A TCP and TLS handshake across the world takes well below a second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The slowest calls, S3 with KMS behind it, take about a second.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// All attempts of one call, including backoff. A verification makes five calls in sequence while a customer waits.
pub(crate) const OPERATION_TIMEOUT: Duration = Duration::from_secs(30);
/// All attempts of a call through the proxy outside of the vendor's network.
const OUTSIDE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a response body may stall.
const STALL_TIMEOUT: Duration = Duration::from_secs(5);
/// Throttling is common in a shared account. Three failures in a row are not a temporary glitch.
const MAX_ATTEMPTS: u32 = 3;

/// The SDK's configuration from the environment, with our defaults.
pub(crate) async fn from_environment() -> SdkConfig {
    with_defaults(aws_config::defaults(BehaviorVersion::latest()))
        .http_client(http_client(ProxyConfig::from_env()))
        .load()
        .await
}

/// The same configuration, for calls through the proxy outside of the vendor's network. A customer's verification does not wait long for
/// them.
///
/// # Errors
/// If the proxy's URL is not one that the client understands.
pub fn through(config: &SdkConfig, proxy: &OutsideProxy) -> Result<SdkConfig, ProxyError> {
    let mut outside = ProxyConfig::all(proxy.url.as_str())?;
    if let Some((user, password)) = &proxy.login {
        // The client makes a URL of them. It would connect without the proxy if that were not one.
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        outside = outside.with_basic_auth(encoded(user), encoded(password.expose_secret()));
    }
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(OUTSIDE_TIMEOUT)
        .operation_timeout(OUTSIDE_TIMEOUT)
        .build();
    let config = config.to_builder().http_client(http_client(outside)).timeout_config(timeouts);
    Ok(config.build())
}

/// Applies our timeouts, retries and application name.
pub fn with_defaults(config: ConfigLoader) -> ConfigLoader {
    config
        .app_name(AppName::new(APP_NAME).expect("the name has only allowed characters"))
        .timeout_config(timeouts())
        .retry_config(retries())
        .stalled_stream_protection(StalledStreamProtectionConfig::enabled().grace_period(STALL_TIMEOUT).build())
}

/// One HTTP client for all services and sessions, so that they share connections. Built as the SDK builds its default
/// client, with these proxy settings.
fn http_client(proxy: ProxyConfig) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = ConnectorBuilder::default().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc));
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.set_proxy_config(Some(proxy.clone()));
        connector.build()
    })
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}

/// The SDK's standard mode: exponential backoff with jitter after throttling, 5xx and failed connections, and no retry of
/// any other response. <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>
pub(crate) fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS)
}
