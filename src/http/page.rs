//! Lists in pages. A cursor is the place of the last item: it stays right when new items come.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::problem::Problem;
use crate::domain::text::FieldError;

const MAX: i64 = 200;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// How many items, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Of the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// Which page.
pub struct Wanted {
    pub after: Option<(DateTime<Utc>, Uuid)>,
    limit: usize,
}

impl PageParams {
    pub fn wanted(&self) -> Result<Wanted, Problem> {
        let mut faults = Vec::new();
        let wanted = self.judge(&mut faults);
        wanted.ok_or_else(|| Problem::validation(faults))
    }

    /// For a list that has other parameters too.
    pub fn new(limit: Option<i64>, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }

    pub fn judge(&self, faults: &mut Vec<FieldError>) -> Option<Wanted> {
        let before = faults.len();
        let limit = self.limit.unwrap_or(50);
        if !(1..=MAX).contains(&limit) {
            faults.push(FieldError::new("limit", "out_of_range", format!("limit is 1 to {MAX}")));
        }
        let after = self.cursor.as_deref().map(parse_cursor);
        if after.as_ref().is_some_and(Option::is_none) {
            faults.push(FieldError::new(
                "cursor",
                "malformed_cursor",
                "give the next_cursor of the page before, or leave it out for the first page",
            ));
        }
        (faults.len() == before).then(|| Wanted {
            after: after.flatten(),
            limit: usize::try_from(limit).unwrap_or_default(),
        })
    }
}

impl Wanted {
    /// How many to look for: one more than asked, to know whether there is a next page.
    pub fn fetch(&self) -> i64 {
        i64::try_from(self.limit + 1).unwrap_or(MAX)
    }

    pub fn page<T, U>(&self, mut found: Vec<T>, place: impl Fn(&T) -> (DateTime<Utc>, Uuid), view: impl Fn(T) -> U) -> Page<U> {
        let more = found.len() > self.limit;
        found.truncate(self.limit);
        let next_cursor = found.last().filter(|_| more).map(|last| {
            let (at, id) = place(last);
            format!("{}.{id}", at.timestamp_micros())
        });
        Page {
            items: found.into_iter().map(view).collect(),
            next_cursor,
        }
    }
}

fn parse_cursor(text: &str) -> Option<(DateTime<Utc>, Uuid)> {
    let (at, id) = text.split_once('.')?;
    Some((DateTime::from_timestamp_micros(at.parse().ok()?)?, id.parse().ok()?))
}
