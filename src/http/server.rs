//! How connections are taken: the same for both listeners, and for what benchmarks compare them with.

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

/// Serves until `stop`, and until what is under way has been answered.
///
/// # Errors
/// Never, as the library says: it goes on after every failure to accept a connection.
pub async fn serve<S>(listener: TcpListener, service: S, stop: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static,
{
    // An answer leaves when it is there, not when more of it may follow.
    let listener = listener.tap_io(|connection| {
        if let Err(fault) = connection.set_nodelay(true) {
            trace!(%fault, "a connection keeps its delays");
        }
    });
    axum::serve(listener, service.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(stop)
        .await
}
