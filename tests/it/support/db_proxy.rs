//! The line to Postgres, which can be cut or go dead.

use std::str::FromStr;
use std::sync::Arc;

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Connections end, and new ones end at once.
    Cut,
    /// Connections stand, and nothing comes through any more.
    Dead,
}

/// A way to a database that a test may break.
pub struct Line {
    /// The database's URL by this way.
    pub url: String,
    state: Arc<watch::Sender<State>>,
}

impl Line {
    pub async fn to(database_url: &str) -> Self {
        let options = PgConnectOptions::from_str(database_url).expect("the URL is Postgres's");
        let upstream = (options.get_host().to_owned(), options.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("the listener has an address").port();
        let state = Arc::new(watch::Sender::new(State::Open));
        let keeper = state.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(carry(connection, upstream.clone(), keeper.subscribe()));
            }
        });
        Self {
            url: options.host("127.0.0.1").port(port).to_url_lossy().to_string(),
            state,
        }
    }

    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    pub fn go_dead(&self) {
        self.state.send_replace(State::Dead);
    }

    pub fn restore(&self) {
        self.state.send_replace(State::Open);
    }
}

async fn carry(mut connection: TcpStream, upstream: (String, u16), mut state: watch::Receiver<State>) {
    if *state.borrow_and_update() == State::Open {
        let mut upstream = TcpStream::connect(upstream).await.expect("Postgres answers");
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut connection, &mut upstream) => {}
            _ = state.wait_for(|state| *state != State::Open) => {}
        }
    }
    let _ = state.wait_for(|state| *state != State::Dead).await;
}
