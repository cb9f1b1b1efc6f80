//! Tracks what a connection is doing, and its deadline.
//!
//! A request only records the time. Setting a timer for each request would cost as much as a small response.

#![allow(
    clippy::disallowed_methods,
    reason = "time limits of connections are timers of tokio, whose clock the tests pause"
)]

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::Timeouts;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Between two requests.
    Idle { since: Instant },
    /// The client has just connected, or a part of the next request's header has arrived.
    Header { since: Instant },
    /// A request is in progress.
    Busy,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Since when the client has not read anything that was written.
    blocked: Option<Instant>,
}

/// The activity of one connection. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Activity(Arc<Mutex<State>>);

impl Activity {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            phase: Phase::Header { since: Instant::now() },
            blocked: None,
        })))
    }

    /// A request begins, and ends when the returned value is dropped.
    pub(super) fn begin(&self) -> Busy {
        self.0.lock().phase = Phase::Busy;
        Busy(self.clone())
    }

    pub(super) fn is_busy(&self) -> bool {
        self.0.lock().phase == Phase::Busy
    }

    /// When the connection must be closed in its current state.
    pub(super) fn deadline(&self, timeouts: &Timeouts) -> Option<Instant> {
        let state = self.0.lock();
        let read = match state.phase {
            Phase::Idle { since } => Some(since + timeouts.idle),
            Phase::Header { since } => Some(since + timeouts.header),
            Phase::Busy => None,
        };
        let written = state.blocked.map(|since| since + timeouts.write);
        read.into_iter().chain(written).min()
    }

    fn received(&self) {
        let mut state = self.0.lock();
        if let Phase::Idle { .. } = state.phase {
            state.phase = Phase::Header { since: Instant::now() };
        }
    }

    fn wrote<T>(&self, written: Poll<T>) -> Poll<T> {
        let mut state = self.0.lock();
        state.blocked = match written {
            Poll::Ready(_) => None,
            Poll::Pending => state.blocked.or_else(|| Some(Instant::now())),
        };
        written
    }
}

/// A request in progress.
#[derive(Debug)]
pub(super) struct Busy(Activity);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.lock().phase = Phase::Idle { since: Instant::now() };
    }
}

pin_project! {
    /// A stream that records its connection's activity.
    pub(super) struct Watched<IO> {
        #[pin]
        pub(super) io: IO,
        pub(super) activity: Activity,
    }
}

impl<IO: AsyncRead> AsyncRead for Watched<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        let before = buffer.filled().len();
        let read = this.io.poll_read(cx, buffer);
        if buffer.filled().len() > before {
            this.activity.received();
        }
        read
    }
}

impl<IO: AsyncWrite> AsyncWrite for Watched<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.project();
        this.activity.wrote(this.io.poll_write(cx, bytes))
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let this = self.project();
        this.activity.wrote(this.io.poll_write_vectored(cx, bytes))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        match this.io.poll_flush(cx) {
            // A socket's flush always succeeds, so success does not mean that the client has read anything.
            Poll::Ready(flushed) => Poll::Ready(flushed),
            Poll::Pending => this.activity.wrote(Poll::Pending),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        this.activity.wrote(this.io.poll_shutdown(cx))
    }
}
