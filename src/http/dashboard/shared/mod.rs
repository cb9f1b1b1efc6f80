//! Code that the dashboard's pages share.

pub(crate) mod again;
pub(crate) mod chart;
pub(crate) mod confirm;
pub(crate) mod error_page;
pub(crate) mod layout;
pub(crate) mod notice;
pub(crate) mod one_time_secret;
pub(crate) mod paths;
pub(crate) mod relative_time;
pub(crate) mod select_options;
pub(crate) mod session;
pub(crate) mod status_label;
