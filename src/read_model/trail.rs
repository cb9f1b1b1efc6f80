//! The marks of the most recent changes, by position.

use std::collections::VecDeque;

use uuid::Uuid;

use crate::domain::feed::FeedCursor;

/// How many marks are kept: as many as in the database.
const LENGTH: usize = 100_000;

/// Marks of consecutive positions.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    /// The position of the first mark.
    first: i64,
    marks: VecDeque<Uuid>,
}

impl Trail {
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
        let mut trail = Trail::default();
        assert_eq!(trail.last(), None);
        assert!(!trail.contains(cursor(0)));
        trail.extend((5..10).map(cursor));
        assert_eq!(trail.last(), Some(cursor(9)));
        assert!((5..10).all(|position| trail.contains(cursor(position))));
        assert!(!trail.contains(cursor(4)) && !trail.contains(cursor(10)) && !trail.contains(cursor(i64::MAX)));
        let other = FeedCursor {
            mark: Uuid::nil(),
            ..cursor(7)
        };
        assert!(!trail.contains(other));
    }

    #[test]
    fn the_oldest_marks_are_dropped() {
        let mut trail = Trail::default();
        let length = i64::try_from(LENGTH).unwrap();
        trail.extend((1..=length + 2).map(cursor));
        assert!(!trail.contains(cursor(2)) && trail.contains(cursor(3)) && trail.contains(cursor(length + 2)));
        trail.extend([cursor(length + 9)]);
        assert!(!trail.contains(cursor(length + 2)) && trail.contains(cursor(length + 9)));
    }
}
