//! Code that the dashboard's pages share.

pub mod chart;
pub mod confirm;
pub mod error_page;
pub mod layout;
pub mod notice;
pub mod one_time_secret;
pub mod paths;
pub mod relative_time;
pub mod select_options;
pub mod session;
pub mod status_label;
