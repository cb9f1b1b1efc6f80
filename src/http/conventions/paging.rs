//! Keyset pagination. A cursor is the position of the last item, so it stays valid when items are added. It also identifies
//! its list and filters, and is rejected for any other.

use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::problem::Problem;
use crate::domain::text::FieldError;

const MAX: i64 = 200;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// The number of items, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListPage<T> {
    pub items: Vec<T>,
    /// The cursor of the next page. Null on the last page.
    pub next_cursor: Option<String>,
}

/// The requested page.
pub(crate) struct PageRequest {
    pub after: Option<(DateTime<Utc>, Uuid)>,
    limit: usize,
    /// Identifies the list and its filters.
    list: String,
}

impl PageParams {
    /// `list` identifies the list and its filters.
    pub(crate) fn wanted(&self, list: String) -> Result<PageRequest, Problem> {
        let mut faults = Vec::new();
        let wanted = self.validate(list, &mut faults);
        wanted.ok_or_else(|| Problem::validation(faults))
    }

    /// For a list with further parameters.
    pub(crate) fn new(limit: Option<i64>, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }

    pub(crate) fn validate(&self, list: String, faults: &mut Vec<FieldError>) -> Option<PageRequest> {
        let before = faults.len();
        let limit = self.limit.unwrap_or(50);
        if !(1..=MAX).contains(&limit) {
            faults.push(FieldError::new(
                "limit",
                "out_of_range",
                format!("limit must be between 1 and {MAX}"),
            ));
        }
        let after = self.cursor.as_deref().map(|cursor| parse_cursor(&list, cursor)).transpose();
        let after = after.map_err(|(code, detail)| faults.push(FieldError::new("cursor", code, detail)));
        (faults.len() == before).then(|| PageRequest {
            after: after.unwrap_or_default(),
            limit: usize::try_from(limit).unwrap_or_default(),
            list,
        })
    }
}

impl PageRequest {
    /// How many rows to query: one more than requested, to know whether there is a next page.
    pub(crate) fn fetch(&self) -> i64 {
        i64::try_from(self.limit + 1).unwrap_or(MAX)
    }

    pub(crate) fn page<T, U>(
        &self,
        mut found: Vec<T>,
        position: impl Fn(&T) -> (DateTime<Utc>, Uuid),
        view: impl Fn(T) -> U,
    ) -> ListPage<U> {
        let more = found.len() > self.limit;
        found.truncate(self.limit);
        let next_cursor = found.last().filter(|_| more).map(|last| {
            let (at, id) = position(last);
            cursor(&self.list, at, id)
        });
        ListPage {
            items: found.into_iter().map(view).collect(),
            next_cursor,
        }
    }
}

fn cursor(list: &str, at: DateTime<Utc>, id: Uuid) -> String {
    let position = format!("{}.{id}", at.timestamp_micros());
    let digest: [u8; 32] = Sha256::digest(format!("{list} {position}")).into();
    format!("{position}.{}", hex::encode(&digest[..4]))
}

/// The position in a cursor, or the code and detail of what is wrong with it.
fn parse_cursor(list: &str, text: &str) -> Result<(DateTime<Utc>, Uuid), (&'static str, &'static str)> {
    let position = || {
        let (at, rest) = text.split_once('.')?;
        let (id, _) = rest.split_once('.')?;
        let at = DateTime::from_timestamp_micros(at.parse().ok()?)?;
        // Postgres has no dates as early as chrono has.
        (1..=9999).contains(&at.year()).then_some((at, id.parse().ok()?))
    };
    let (at, id) = position().ok_or((
        "malformed_cursor",
        "send the next_cursor of the previous page, or omit it for the first page",
    ))?;
    if cursor(list, at, id) == text {
        Ok((at, id))
    } else {
        Err((
            "foreign_cursor",
            "this cursor belongs to another list or to other filters; omit it to start with the first page",
        ))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[test]
    fn a_forged_cursor_has_a_time_that_the_database_knows() {
        let code = |year: i32| {
            let at = Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).unwrap();
            parse_cursor("tenants", &cursor("tenants", at, Uuid::from_u128(7))).map_err(|(code, _)| code)
        };
        assert!(code(1).is_ok() && code(9999).is_ok());
        for year in [-200_000, -4713, 0, 10_000, 200_000] {
            assert_eq!(code(year), Err("malformed_cursor"), "{year}");
        }
    }

    #[test]
    fn a_cursor_is_good_for_its_own_list_and_as_it_was_given() {
        let (at, id) = (DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap(), Uuid::from_u128(7));
        let given = cursor("tenants", at, id);
        assert_eq!(parse_cursor("tenants", &given), Ok((at, id)));
        let code = |list, text: &str| parse_cursor(list, text).unwrap_err().0;
        assert_eq!(code("tokens", &given), "foreign_cursor");
        assert_eq!(code("tenants", &given.replacen("17", "18", 1)), "foreign_cursor");
        for garbage in ["", "x", "1.2.3", "1700000000123456.00000000-0000-0000-0000-000000000007", "ü.ü.ü"] {
            assert_eq!(code("tenants", garbage), "malformed_cursor", "{garbage}");
        }
    }
}
