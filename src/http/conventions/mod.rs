//! The conventions that every endpoint of the API follows: how input is extracted and validated, how errors are reported,
//! how lists are paged, and how `ETag`, `If-Match` and idempotency keys work.

pub(crate) mod etag;
pub(crate) mod extract;
pub(crate) mod idempotency;
pub(crate) mod paging;
pub(crate) mod problem;
