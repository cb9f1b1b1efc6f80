//! Divides file descriptors between the listeners. Every connection needs one, and without descriptors the process cannot
//! accept connections.

use rlimit::Resource;
use tracing::{info, warn};

/// Reserved for everything except clients: the database, AWS, webhooks, files.
const OTHERS: u64 = 256;

/// Raises the soft limit to the hard limit, and returns it.
pub fn raise_limit() -> u64 {
    let before = Resource::NOFILE.get_soft().unwrap_or(0);
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => {
            info!(limit, before, "file descriptor limit (RLIMIT_NOFILE)");
            limit
        }
        Err(fault) => {
            warn!(%fault, limit = before, "cannot raise the file descriptor limit (RLIMIT_NOFILE)");
            before
        }
    }
}

/// The maximum number of connections of the public and the private listener under this limit.
pub fn share(limit: u64, public: usize, private: usize) -> (usize, usize) {
    let free = limit.saturating_sub(OTHERS).max(limit / 2);
    let free = usize::try_from(free).unwrap_or(usize::MAX);
    // The public listener gets at most half, so that the private one always has the other half.
    let public_share = public.min(free / 2);
    let private_share = private.min(free - public_share);
    for (listener, wanted, share) in [("public", public, public_share), ("private", private, private_share)] {
        if share < wanted {
            warn!(listener, wanted, share, "the file descriptor limit allows fewer connections");
        }
    }
    (public_share, private_share)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(65_536, (2_000, 10_000))]
    #[case(1_048_576, (2_000, 10_000))]
    #[case(u64::MAX, (2_000, 10_000))]
    #[case(4_096, (1_920, 1_920))]
    #[case(1_024, (384, 384))]
    #[case(256, (64, 64))]
    fn the_private_listener_always_has_a_share(#[case] limit: u64, #[case] expected: (usize, usize)) {
        let (public, private) = share(limit, 2_000, 10_000);
        assert_eq!((public, private), expected);
        assert!((public + private) as u64 <= limit);
    }
}
