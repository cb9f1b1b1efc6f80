//! Accepts connections, for both listeners and for the handler that benchmarks compare them with.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;

use axum::ServiceExt;
use axum::extract::Request;
use axum::response::Response;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tower::Service;
use tracing::trace;

/// Serves until `stop`, and then until requests in flight are answered.
///
/// # Errors
/// Never in practice: the library carries on after every failure to accept a connection.
pub async fn serve<S>(listener: TcpListener, service: S, stop: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static,
{
    // Send a response at once instead of waiting for more of it (Nagle's algorithm).
    let listener = listener.tap_io(|connection| {
        if let Err(fault) = connection.set_nodelay(true) {
            trace!(%fault, "cannot set TCP_NODELAY");
        }
    });
    axum::serve(listener, service.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(stop)
        .await
}
