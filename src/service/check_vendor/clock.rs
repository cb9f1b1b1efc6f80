//! The clock of this machine against AWS's.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Found, ReportStatus, no_answer};
use crate::domain::api_result::ApiResult;

const TOLERATED: TimeDelta = TimeDelta::seconds(60);
/// AWS rejects signatures whose time is further away.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>
const LIMIT: TimeDelta = TimeDelta::minutes(5);

/// `answer` is a response that has just arrived. A rejected request tells AWS's time too.
pub(super) fn check<T>(answer: &ApiResult<T>, now: DateTime<Utc>) -> Found {
    let Some(aws) = answer.exchange.answered_at else {
        let (_, sentence) = no_answer(answer);
        return (ReportStatus::Unanswered, format!("AWS's time is unknown. {sentence}"));
    };
    let ahead = now - aws;
    let seconds = ahead.num_seconds().abs();
    let direction = if ahead < TimeDelta::zero() { "behind" } else { "ahead of" };
    let difference = format!("The clock of this machine is {seconds} s {direction} AWS's.");
    match ahead.abs() {
        far if far > LIMIT => (
            ReportStatus::Failed,
            format!("{difference} AWS rejects requests from 5 minutes on. Synchronize the clock with NTP."),
        ),
        far if far > TOLERATED => (
            ReportStatus::Warning,
            format!("{difference} From 5 minutes on, AWS rejects every request. Synchronize the clock with NTP."),
        ),
        _ => (ReportStatus::Passed, difference),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::api_result::{ApiCall, Outcome};

    #[rstest]
    #[case(0, ReportStatus::Passed, "0 s ahead of AWS's")]
    #[case(60, ReportStatus::Passed, "60 s ahead of AWS's")]
    #[case(-61, ReportStatus::Warning, "61 s behind AWS's")]
    #[case(300, ReportStatus::Warning, "300 s ahead of AWS's")]
    #[case(-301, ReportStatus::Failed, "301 s behind AWS's")]
    fn the_difference_has_a_direction_and_limits(#[case] ahead: i64, #[case] status: ReportStatus, #[case] text: &str) {
        let aws = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let answer = ApiResult {
            outcome: Outcome::Granted(()),
            exchange: ApiCall {
                answered_at: Some(aws),
                ..ApiCall::default()
            },
        };
        let (found, sentence) = check(&answer, aws + TimeDelta::seconds(ahead));
        assert_eq!(found, status);
        assert!(sentence.contains(text), "{sentence}");
    }

    #[test]
    fn without_an_answer_nothing_is_known() {
        let answer = ApiResult::<()> {
            outcome: Outcome::Unanswered,
            exchange: ApiCall::default(),
        };
        assert_eq!(check(&answer, DateTime::UNIX_EPOCH).0, ReportStatus::Unanswered);
    }
}
