//! How AWS is called, whatever the service: one HTTP client, time-outs, retries.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, ConfigLoader, SdkConfig};
use aws_sdk_s3::config::{RuntimeComponents, SharedHttpClient};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Builder, ConnectorBuilder, tls};

use crate::cloud::APP_NAME;

/// A TCP and TLS handshake across the world takes well below a second; what takes longer is not there.
const CONNECT: Duration = Duration::from_secs(3);
/// The slowest of the calls, S3 with KMS behind it, answers within a second or so.
const ATTEMPT: Duration = Duration::from_secs(10);
/// All tries of one call, and the waiting in between. A verification makes five calls one after another, and a
/// customer looks on.
pub const OPERATION: Duration = Duration::from_secs(30);
/// A body that brings nothing for so long will bring nothing any more.
const STALLED: Duration = Duration::from_secs(5);
/// Throttling is a normal answer of a shared account; a service that is down three times is down.
const TRIES: u32 = 3;

/// The SDK's own environment, and what is the same for all services.
pub async fn from_environment() -> SdkConfig {
    with_habits(aws_config::defaults(BehaviorVersion::latest()))
        .http_client(http_client())
        .load()
        .await
}

/// Time-outs, retries and the name that every call goes by.
pub fn with_habits(config: ConfigLoader) -> ConfigLoader {
    config
        .app_name(AppName::new(APP_NAME).expect("the name has only allowed characters"))
        .timeout_config(time_outs())
        .retry_config(retries())
        .stalled_stream_protection(StalledStreamProtectionConfig::enabled().grace_period(STALLED).build())
}

/// One for all services and sessions, so that connections are shared. Built as the SDK builds the one that it would
/// make for each client, proxies of the environment included.
fn http_client() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector = ConnectorBuilder::default().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc));
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    })
}

fn time_outs() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build()
}

/// Standard: exponential and with jitter, for throttling, 5xx and connections that failed; no other answer is asked
/// for again. <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>
pub fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(TRIES)
}
