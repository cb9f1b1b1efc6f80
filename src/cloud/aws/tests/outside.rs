//! Calls from outside of the vendor's network.

use aws_smithy_types::timeout::TimeoutConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// From outside of the vendor's network, AWS is reached through the proxy alone, and the proxy sees no request.
#[tokio::test]
async fn the_proxy_outside_gets_the_request_to_open_a_tunnel() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            connection.read_exact(&mut byte).await.unwrap();
            head.extend(byte);
        }
        connection
            .write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        String::from_utf8(head).unwrap()
    });
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(SdkRegion::from_static("eu-central-1"))
        .no_credentials();
    let config = config.load().await;
    let proxy = OutsideProxy {
        url: format!("http://{address}").parse().unwrap(),
        login: Some(("ops".to_owned(), "s/cret".to_owned().into())),
    };
    // The client reads the system's certificates first, which takes longer in a debug build than a call from outside may.
    let unhurried = TimeoutConfig::disabled();
    let outside = through(&config, &proxy).unwrap().to_builder().timeout_config(unhurried).build();
    let aws = |config| AwsCloud::from_config(config, AwsOptions::default(), MockClock::new().shared());
    let cloud = aws(&config).with_outside(aws(&outside));
    let answer = cloud.outside().unwrap().list_objects(&bucket(), "").await;
    assert!(answer.is_unanswered() && answer.exchange.request_id.is_none());
    let head = tokio::time::timeout(AT_LEISURE, asked).await.expect("the proxy is asked").unwrap();
    assert!(head.starts_with("CONNECT docs.s3.eu-west-1.amazonaws.com:443 HTTP/1.1"), "{head}");
    // ops:s/cret
    assert!(
        head.to_ascii_lowercase().contains("proxy-authorization: basic b3bzonmvy3jlda=="),
        "{head}"
    );
    assert!(!head.contains("AWS4"), "{head}");
}
