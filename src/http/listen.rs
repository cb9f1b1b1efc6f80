//! How connections are taken: the same for both listeners, and for what benchmarks compare them with.

use std::future::Future;
use std::net::SocketAddr;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tracing::trace;

/// Serves until `stop`, and until what is under way has been answered.
///
/// # Errors
/// Never, as the library says: it goes on after every failure to accept a connection.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
    // An answer leaves when it is there, not when more of it may follow.
    let listener = listener.tap_io(|connection| {
        if let Err(fault) = connection.set_nodelay(true) {
            trace!(%fault, "a connection keeps its delays");
        }
    });
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(stop)
        .await
}
