//! What operators' programs and customers' programs request of a tenant alike: parameters, bodies and answers. The admin API names the
//! tenant in the path; in the customers' API, it is the one of the token.

pub(crate) mod events;
pub(crate) mod judgement;
pub(crate) mod merge;
pub(crate) mod submission;
pub(crate) mod templates;
