//! The conventions that every endpoint of the API follows: how input is extracted and validated, how errors are reported,
//! how lists are paged, and how `ETag` and `If-Match` work.

pub(crate) mod etag;
pub(crate) mod extract;
pub(crate) mod paging;
pub(crate) mod problem;
pub(crate) mod request_id;
