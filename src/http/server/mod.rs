//! Accepts connections, for both listeners and for the handler that benchmarks compare them with.
//!
//! HTTP/1 only: with HTTP/2, one connection could carry hundreds of requests, and connection limits would not limit requests.

mod activity;
mod admission;
mod connection;
pub mod descriptors;
pub mod tls;

use std::convert::Infallible;
use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::Service;
use tracing::{debug, error, trace};

pub use admission::{ConnectionLimits, HandshakeRates};

use admission::Admission;
use connection::Connection;
use tls::Tls;

/// The pause after a failure to accept, which is usually caused by a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);

/// Time limits of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For a complete header, from the connection or the header's first byte on. Also for the TLS handshake.
    pub header: Duration,
    /// Between two requests. Longer than the 60 seconds of common load balancers: if the server closed first, they could send
    /// a request to a connection that is being closed.
    pub idle: Duration,
    /// Between two chunks of a body.
    pub body_chunk: Duration,
    /// For a complete body.
    pub body: Duration,
    /// For the client to read something.
    pub write: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            body_chunk: Duration::from_secs(10),
            body: Duration::from_secs(30),
            write: Duration::from_secs(30),
        }
    }
}

/// A listening socket with its limits.
#[derive(Debug)]
pub struct Listener {
    pub socket: TcpListener,
    /// For metrics and logs.
    pub name: &'static str,
    pub limits: ConnectionLimits,
    pub timeouts: Timeouts,
    /// If None, connections are not encrypted.
    pub tls: Option<Tls>,
}

impl Listener {
    /// Without limits on the number of connections.
    pub fn new(name: &'static str, socket: TcpListener) -> Self {
        Self {
            socket,
            name,
            limits: ConnectionLimits::total(usize::MAX),
            timeouts: Timeouts::default(),
            tls: None,
        }
    }
}

/// Serves until `stop`, and then until requests in progress are answered. Dropping the future closes all connections.
pub async fn serve<S>(listener: Listener, service: S, stop: impl Future<Output = ()> + Send)
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static,
{
    let Listener {
        socket,
        name,
        limits,
        timeouts,
        tls,
    } = listener;
    let admission = Admission::new(name, limits);
    let closing = CancellationToken::new();
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&socket) => accepted,
        };
        // Close excess connections immediately: in the backlog, they would wait indefinitely.
        let permit = match admission.admit(peer.ip()) {
            Ok(permit) => permit,
            Err(refused) => {
                debug!(listener = name, %peer, limit = ?refused, "refused a connection");
                continue;
            }
        };
        let connection = Connection {
            peer,
            service: service.clone(),
            timeouts,
            closing: closing.clone(),
        };
        let tls = tls.clone();
        connections.spawn(async move {
            match tls {
                None => connection.serve(stream).await,
                Some(tls) => {
                    if let Some(stream) = tls.accept(stream, timeouts.header).await {
                        connection.serve(stream).await;
                    }
                }
            }
            drop(permit);
        });
    }
    drop(socket);
    closing.cancel();
    while connections.join_next().await.is_some() {}
}

async fn accept(socket: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => {
                // Send a response at once instead of waiting for more of it (Nagle's algorithm).
                if let Err(fault) = stream.set_nodelay(true) {
                    trace!(%fault, "cannot set TCP_NODELAY");
                }
                return (stream, peer);
            }
            Err(fault) if is_of_the_client(fault.kind()) => {}
            Err(fault) => {
                error!(%fault, "cannot accept connections");
                #[allow(clippy::disallowed_methods, reason = "a listener has no clock of its own")]
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether the client closed the connection before it was accepted.
fn is_of_the_client(fault: ErrorKind) -> bool {
    matches!(
        fault,
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset
    )
}
