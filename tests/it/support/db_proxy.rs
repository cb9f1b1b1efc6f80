//! A proxy in front of Postgres that can close or freeze its connections.

use std::str::FromStr;
use std::sync::{Arc, Mutex};

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Connections are closed, and new ones are closed at once.
    Cut,
    /// Connections stay open, but nothing passes.
    Frozen,
}

/// A proxy that a test can break.
pub struct DatabaseProxy {
    /// The database's URL through the proxy.
    pub url: String,
    upstream: Arc<Mutex<(String, u16)>>,
    state: Arc<watch::Sender<State>>,
}

impl DatabaseProxy {
    pub async fn to(database_url: &str) -> Self {
        let options = PgConnectOptions::from_str(database_url).expect("the URL is Postgres's");
        let upstream = Arc::new(Mutex::new(address(database_url)));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("the listener has an address").port();
        let state = Arc::new(watch::Sender::new(State::Open));
        let (keeper, current) = (state.clone(), upstream.clone());
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(carry(connection, current.lock().unwrap().clone(), keeper.subscribe()));
            }
        });
        Self {
            url: options.host("127.0.0.1").port(port).to_url_lossy().to_string(),
            upstream,
            state,
        }
    }

    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    pub fn freeze(&self) {
        self.state.send_replace(State::Frozen);
    }

    /// New connections lead to another server.
    pub fn redirect(&self, database_url: &str) {
        *self.upstream.lock().unwrap() = address(database_url);
    }

    pub fn restore(&self) {
        self.state.send_replace(State::Open);
    }
}

fn address(database_url: &str) -> (String, u16) {
    let options = PgConnectOptions::from_str(database_url).expect("a URL of Postgres");
    (options.get_host().to_owned(), options.get_port())
}

async fn carry(mut connection: TcpStream, upstream: (String, u16), mut state: watch::Receiver<State>) {
    if *state.borrow_and_update() == State::Open {
        let mut upstream = TcpStream::connect(upstream).await.expect("Postgres answers");
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut connection, &mut upstream) => {}
            _ = state.wait_for(|state| *state != State::Open) => {}
        }
    }
    let _ = state.wait_for(|state| *state != State::Frozen).await;
}
