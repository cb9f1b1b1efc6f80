//! The marks of the most recent changes, by position.

use std::collections::VecDeque;

use uuid::Uuid;

use crate::domain::feed::FeedCursor;

/// How many marks are kept: as many as in the database.
const LENGTH: usize = 100_000;

/// Marks of consecutive positions.
#[derive(Debug, Default)]
pub(crate) struct RecentMarks {
    /// The position of the first mark.
    first: i64,
    marks: VecDeque<Uuid>,
}

impl RecentMarks {
    /// Appends marks. After a gap, the earlier ones are dropped.
    pub(crate) fn extend(&mut self, marks: impl IntoIterator<Item = FeedCursor>) {
        for FeedCursor { position, mark } in marks {
            if self.last().is_none_or(|last| last.position + 1 != position) {
                self.marks.clear();
                self.first = position;
            }
            self.marks.push_back(mark);
            if self.marks.len() > LENGTH {
                self.marks.pop_front();
                self.first += 1;
            }
        }
    }

    pub(crate) fn last(&self) -> Option<FeedCursor> {
        let last = self.marks.len().checked_sub(1)?;
        Some(FeedCursor {
            position: self.first + i64::try_from(last).ok()?,
            mark: *self.marks.get(last)?,
        })
    }

    pub(crate) fn contains(&self, cursor: FeedCursor) -> bool {
        let at = usize::try_from(cursor.position - self.first).ok();
        at.and_then(|at| self.marks.get(at)) == Some(&cursor.mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(position: i64) -> FeedCursor {
        FeedCursor {
            position,
            mark: Uuid::from_u128(u128::try_from(position).unwrap()),
        }
    }

    #[test]
    fn only_a_position_with_its_own_mark_is_contained() {
        let mut recent_marks = RecentMarks::default();
        assert_eq!(recent_marks.last(), None);
        assert!(!recent_marks.contains(cursor(0)));
        recent_marks.extend((5..10).map(cursor));
        assert_eq!(recent_marks.last(), Some(cursor(9)));
        assert!((5..10).all(|position| recent_marks.contains(cursor(position))));
        assert!(!recent_marks.contains(cursor(4)) && !recent_marks.contains(cursor(10)) && !recent_marks.contains(cursor(i64::MAX)));
        let other = FeedCursor {
            mark: Uuid::nil(),
            ..cursor(7)
        };
        assert!(!recent_marks.contains(other));
    }

    #[test]
    fn the_oldest_marks_are_dropped() {
        let mut recent_marks = RecentMarks::default();
        let length = i64::try_from(LENGTH).unwrap();
        recent_marks.extend((1..=length + 2).map(cursor));
        assert!(!recent_marks.contains(cursor(2)) && recent_marks.contains(cursor(3)) && recent_marks.contains(cursor(length + 2)));
        recent_marks.extend([cursor(length + 9)]);
        assert!(!recent_marks.contains(cursor(length + 2)) && recent_marks.contains(cursor(length + 9)));
    }
}
