//! The conventions that every endpoint of the API follows: how input is extracted and validated, how errors are reported,
//! how lists are paged, and how `ETag`, `If-Match` and idempotency keys work.

pub mod etag;
pub mod extract;
pub mod idempotency;
pub mod paging;
pub mod problem;
