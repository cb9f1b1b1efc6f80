//! Words and rules. No I/O, no waiting, no clock: whatever these need is handed in.

pub mod account;
pub mod answer;
pub mod arn;
pub mod attempts;
pub mod audit;
pub mod bench;
pub mod catalogue;
pub mod check;
pub mod evidence;
pub mod external_id;
pub mod finding;
pub mod fix;
pub mod ids;
pub mod judge;
pub mod partition;
pub mod region;
pub mod storage_config;
pub mod submission;
pub mod templates;
pub mod tenant;
pub mod text;
pub mod token;
pub mod vendor;
pub mod verification;
