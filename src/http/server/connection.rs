//! Serves one connection.

#![allow(
    clippy::disallowed_methods,
    reason = "time limits of connections are timers of tokio, whose clock the tests pause"
)]

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::util::Oneshot;
use tower::{Service, ServiceExt};
use tower_http::timeout::{DeadlineBody, TimeoutBody};
use tracing::trace;

use super::Timeouts;
use super::activity::{Activity, Busy, Watched};

/// The maximum size of a request's header, in bytes. Tokens of identity providers and headers of proxies need up to 16 KiB.
const MAX_HEADER: usize = 32 * 1024;

/// The maximum size of a connection's buffers, in bytes.
const BUFFER: usize = 64 * 1024;

/// An accepted connection.
pub(super) struct Connection<S> {
    pub(super) peer: SocketAddr,
    pub(super) service: S,
    pub(super) timeouts: Timeouts,
    /// Cancelled when the listener closes. A request in progress is answered, and then the connection closes.
    pub(super) closing: CancellationToken,
}

impl<S> Connection<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone,
{
    /// Answers requests until either side closes the connection, or the client exceeds a time limit.
    pub(super) async fn serve<IO: AsyncRead + AsyncWrite + Unpin>(self, io: IO) {
        let activity = Activity::new();
        let timeouts = self.timeouts;
        let service = Requests {
            peer: self.peer,
            service: self.service,
            timeouts,
            activity: activity.clone(),
        };
        let watched = Watched {
            io,
            activity: activity.clone(),
        };
        let mut connection = pin!(
            http1::Builder::new()
                .max_header_size(MAX_HEADER)
                .max_buf_size(BUFFER)
                // The activity's deadline covers it. Unlike this timeout, it distinguishes an idle connection from a slow header.
                .header_read_timeout(None)
                .serve_connection(TokioIo::new(watched), service)
        );
        let mut closing = pin!(self.closing.cancelled());
        let mut is_closing = false;
        let mut alarm = pin!(tokio::time::sleep(timeouts.header));
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                    if let Err(fault) = ended {
                        trace!(%fault, "a connection ended early");
                    }
                    return Poll::Ready(());
                }
                if is_closing || closing.as_mut().poll(cx).is_pending() {
                    break;
                }
                if !activity.is_busy() {
                    return Poll::Ready(());
                }
                is_closing = true;
                connection.as_mut().graceful_shutdown();
            }
            let deadline = activity.deadline(&timeouts);
            if let Some(earlier) = deadline.filter(|deadline| *deadline < alarm.deadline()) {
                alarm.as_mut().reset(earlier);
            }
            while alarm.as_mut().poll(cx).is_ready() {
                let now = Instant::now();
                if deadline.is_some_and(|deadline| deadline <= now) {
                    trace!("a client exceeded a time limit");
                    return Poll::Ready(());
                }
                alarm.as_mut().reset(deadline.unwrap_or(now + timeouts.header));
            }
            Poll::Pending
        })
        .await;
    }
}

/// Passes requests to the service.
struct Requests<S> {
    peer: SocketAddr,
    service: S,
    timeouts: Timeouts,
    activity: Activity,
}

impl<S> Requests<S> {
    /// The body with its time limits. Most requests have no body.
    fn body(&self, body: Incoming) -> Body {
        if body.is_end_stream() {
            return Body::empty();
        }
        let each = TimeoutBody::new(self.timeouts.body_chunk, body);
        Body::new(DeadlineBody::new(self.timeouts.body, each))
    }
}

impl<S> hyper::service::Service<hyper::Request<Incoming>> for Requests<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone,
{
    type Response = hyper::Response<Answer>;
    type Error = Infallible;
    type Future = Answering<Oneshot<S, Request>>;

    fn call(&self, request: hyper::Request<Incoming>) -> Self::Future {
        let busy = self.activity.begin();
        let mut request = request.map(|body| self.body(body));
        request.extensions_mut().insert(ConnectInfo(self.peer));
        Answering {
            response: self.service.clone().oneshot(request),
            busy: Some(busy),
        }
    }
}

pin_project! {
    struct Answering<F> {
        #[pin]
        response: F,
        busy: Option<Busy>,
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for Answering<F> {
    type Output = Result<hyper::Response<Answer>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.response.poll(cx))?;
        let busy = this.busy.take();
        Poll::Ready(Ok(response.map(|body| Answer { body, busy })))
    }
}

pin_project! {
    /// The body of a response. The connection is busy until it is dropped.
    struct Answer {
        #[pin]
        body: Body,
        busy: Option<Busy>,
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::Router;
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::response::IntoResponse;
    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::task::JoinHandle;

    use super::*;

    /// Larger than any response here, so that the server can write it before the client reads.
    const PIPE: usize = 4096;

    struct Client {
        io: DuplexStream,
        closing: CancellationToken,
        served: JoinHandle<()>,
        since: Instant,
    }

    impl Client {
        fn new() -> Self {
            let endless = || futures::stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 1024])));
            let router = Router::new()
                .route("/", get(async || "ok"))
                .route("/never", get(std::future::pending::<()>))
                .route("/endless", get(async move || Body::from_stream(endless())))
                .route(
                    "/",
                    post(async |body: Result<Bytes, axum::extract::rejection::BytesRejection>| match body {
                        Ok(body) => body.into_response(),
                        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
                    }),
                );
            let (io, theirs) = duplex(PIPE);
            let closing = CancellationToken::new();
            let connection = Connection {
                peer: "192.0.2.1:1".parse().unwrap(),
                service: router,
                timeouts: Timeouts::default(),
                closing: closing.clone(),
            };
            Self {
                io,
                closing,
                served: tokio::spawn(connection.serve(theirs)),
                since: Instant::now(),
            }
        }

        async fn send(&mut self, text: &str) {
            self.io.write_all(text.as_bytes()).await.unwrap();
        }

        /// The next response.
        async fn response(&mut self) -> String {
            let mut bytes = vec![0; PIPE];
            let length = self.io.read(&mut bytes).await.unwrap();
            String::from_utf8_lossy(&bytes[..length]).into_owned()
        }

        /// Waits until the server closes the connection. Returns how long that took, and what it had sent.
        async fn closed(mut self) -> (Duration, String) {
            (&mut self.served).await.unwrap();
            let closed = self.since.elapsed();
            let mut rest = Vec::new();
            self.io.read_to_end(&mut rest).await.unwrap();
            (closed, String::from_utf8_lossy(&rest).into_owned())
        }
    }

    const REQUEST: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

    fn timeouts() -> Timeouts {
        Timeouts::default()
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_disconnected() {
        let (closed, said) = Client::new().closed().await;
        assert_eq!((closed, said.as_str()), (timeouts().header, ""));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_header_is_given_up() {
        let mut client = Client::new();
        client.send("GET / HTTP/1.1\r\nhost: x\r\n").await;
        while !client.served.is_finished() && client.since.elapsed() < timeouts().idle {
            let _ = client.io.write_all(b"x-a: b\r\n").await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let (closed, said) = client.closed().await;
        assert!(closed <= timeouts().header + Duration::from_secs(1), "{closed:?}");
        assert_eq!(said, "");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_can_be_idle_between_requests() {
        let mut client = Client::new();
        for _ in 0..3 {
            client.send(REQUEST).await;
            assert!(client.response().await.starts_with("HTTP/1.1 200"));
            tokio::time::sleep(timeouts().idle.saturating_sub(Duration::from_secs(1))).await;
        }
        client.since = Instant::now();
        client.send(REQUEST).await;
        assert!(client.response().await.starts_with("HTTP/1.1 200"));
        assert_eq!(client.closed().await.0, timeouts().idle);
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_header_has_the_same_limit() {
        let mut client = Client::new();
        client.send(REQUEST).await;
        assert!(client.response().await.starts_with("HTTP/1.1 200"));
        tokio::time::sleep(timeouts().idle / 2).await;
        client.since = Instant::now();
        client.send("GET / HTTP/1.1\r\n").await;
        assert_eq!(client.closed().await.0, timeouts().header);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_in_progress_keeps_its_connection() {
        let mut client = Client::new();
        client.send("GET /never HTTP/1.1\r\nhost: x\r\n\r\n").await;
        tokio::time::sleep(timeouts().idle * 10).await;
        assert!(!client.served.is_finished());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stalled_body_is_given_up() {
        let mut client = Client::new();
        client.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf").await;
        let said = client.response().await;
        assert!(said.starts_with("HTTP/1.1 408"), "{said}");
        assert_eq!(client.since.elapsed(), timeouts().body_chunk);
        assert_eq!(
            client.closed().await.0,
            timeouts().body_chunk,
            "the connection closes with the response"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_body_is_given_up() {
        let mut client = Client::new();
        client.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n").await;
        while client.since.elapsed() < timeouts().body {
            client.send("x").await;
            tokio::time::sleep(timeouts().body_chunk / 2).await;
        }
        let said = client.response().await;
        assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_nothing_is_disconnected() {
        let mut client = Client::new();
        client.send("GET /endless HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(client.closed().await.0, timeouts().write);
    }

    #[tokio::test(start_paused = true)]
    async fn an_oversized_header_is_refused() {
        let mut client = Client::new();
        client.send("GET / HTTP/1.1\r\n").await;
        let line = format!("x-a: {}\r\n", "b".repeat(1024));
        for _ in 0..=MAX_HEADER / line.len() {
            let _ = client.io.write_all(line.as_bytes()).await;
        }
        let (closed, said) = client.closed().await;
        assert!(said.starts_with("HTTP/1.1 431"), "{said}");
        assert_eq!(closed, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn http_2_is_refused() {
        let mut client = Client::new();
        client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        let (closed, said) = client.closed().await;
        assert_eq!(closed, Duration::ZERO);
        assert!(!said.contains(" 200 "), "{said}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_incomplete_header_does_not_delay_shutdown() {
        let mut client = Client::new();
        client.send("GET / HTTP/1.1\r\nhost: x\r\n").await;
        tokio::task::yield_now().await;
        client.closing.cancel();
        assert_eq!(client.closed().await.0, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn shutdown_waits_for_the_request_in_progress() {
        let mut client = Client::new();
        client.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nha").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        client.closing.cancel();
        tokio::time::sleep(Duration::from_secs(1)).await;
        client.send("lf").await;
        let said = client.response().await;
        assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("half"), "{said}");
        assert_eq!(
            client.closed().await.0,
            Duration::from_secs(2),
            "the connection closes with the response"
        );
    }
}
