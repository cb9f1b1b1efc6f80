//! A verification on a terminal, as a table that changes in place.

use std::io::{Write, stdout};
use std::time::Duration;

use chrono::{DateTime, Utc};
use crossterm::cursor::{MoveToColumn, MoveUp};
use crossterm::queue;
use crossterm::style::{Print, Stylize};
use crossterm::terminal::{self, Clear, ClearType};
use futures::future::{Either, select};
use serde_json::Value;

use super::Failure;
use super::client::ClientArgs;
use super::follow::{Follower, News};
use super::output::{text, tint};
use crate::clock::SharedClock;

/// The countdown goes by seconds.
const TICK: Duration = Duration::from_secs(1);

pub struct LiveOutput {
    clock: SharedClock,
    board: ProgressTable,
    /// How many lines are on the terminal now.
    drawn: u16,
}

/// What is known so far.
#[derive(Default)]
struct ProgressTable {
    attempt: String,
    next_attempt_at: Option<DateTime<Utc>>,
    /// Status, name and summary, in the order in which they were found.
    checks: Vec<[String; 3]>,
}

/// A line in parts: the first may be coloured by what it says.
#[derive(Debug, PartialEq)]
struct ProgressLine(String, String);

impl LiveOutput {
    pub fn new(clock: SharedClock) -> Self {
        Self {
            clock,
            board: ProgressTable::default(),
            drawn: 0,
        }
    }

    /// Draws until the verification ends, then takes the table away: what is printed after it stays.
    pub async fn follow(mut self, client: &ClientArgs, id: &str) -> Result<Value, Failure> {
        let mut follower = Follower::of(client, id);
        loop {
            self.draw();
            let tick = self.clock.sleep(TICK);
            let news = match select(Box::pin(follower.next()), tick).await {
                Either::Left((news, _)) => news?,
                Either::Right(_) => continue,
            };
            match news {
                News::Finished(verification) => return Ok(verification),
                news => self.board.take(&news),
            }
        }
    }

    fn draw(&mut self) {
        let size = terminal::size().ok().filter(|(width, height)| *width > 0 && *height > 0);
        let (width, height) = size.unwrap_or((80, 24));
        let lines = self.board.lines(self.clock.now(), usize::from(height.saturating_sub(1)));
        let mut out = stdout().lock();
        self.wipe(&mut out);
        for ProgressLine(first, rest) in &lines {
            let first: String = first.chars().take(usize::from(width)).collect();
            let room = usize::from(width).saturating_sub(first.chars().count());
            let rest: String = rest.chars().take(room).collect();
            let first = match tint(first.trim()) {
                Some(comfy_table::Color::Green) => first.green(),
                Some(comfy_table::Color::Red) => first.red(),
                Some(comfy_table::Color::Yellow) => first.yellow(),
                Some(_) => first.dark_grey(),
                None => first.stylize(),
            };
            let _ = queue!(out, Print(first), Print(rest), Print("\r\n"));
        }
        let _ = out.flush();
        self.drawn = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    }

    fn wipe(&self, out: &mut impl Write) {
        if self.drawn > 0 {
            let _ = queue!(out, MoveUp(self.drawn));
        }
        let _ = queue!(out, MoveToColumn(0), Clear(ClearType::FromCursorDown));
    }
}

impl Drop for LiveOutput {
    fn drop(&mut self) {
        let mut out = stdout().lock();
        self.wipe(&mut out);
        let _ = out.flush();
    }
}

impl ProgressTable {
    fn take(&mut self, news: &News) {
        match news {
            News::Attempt(attempt) => {
                let number = text(attempt, "attempt");
                if number != self.attempt {
                    self.checks.clear();
                }
                self.attempt = number;
                let until = attempt["next_attempt_at"].as_str().and_then(|at| at.parse().ok());
                self.next_attempt_at = until;
            }
            News::Check(check) => {
                let row = [text(check, "status"), text(check, "name"), text(check, "summary")];
                match self.checks.iter_mut().find(|known| known[1] == row[1]) {
                    Some(known) => *known = row,
                    None => self.checks.push(row),
                }
            }
            News::Finished(_) => {}
        }
    }

    /// No more lines than there is room for. Where there are more checks, those that passed make way first.
    fn lines(&self, now: DateTime<Utc>, room: usize) -> Vec<ProgressLine> {
        let passed = self.checks.iter().filter(|check| check[0] == "passed").count();
        let heading = match (self.attempt.as_str(), self.next_attempt_at) {
            ("", _) => ProgressLine("queued".into(), String::new()),
            (_, Some(at)) => {
                let seconds = (at - now).num_seconds().max(0);
                let why = format!("       AWS can take a minute to know of a change; trying again in {seconds} s");
                ProgressLine("waiting".into(), why)
            }
            (attempt, None) => {
                let again = if attempt == "1" {
                    String::new()
                } else {
                    format!(", attempt {attempt}")
                };
                ProgressLine(
                    "verifying".into(),
                    format!("     {passed} of {} checks so far passed{again}", self.checks.len()),
                )
            }
        };
        let room = room.saturating_sub(1);
        let mut excess = self.checks.len().saturating_sub(room.saturating_sub(1));
        if self.checks.len() <= room {
            excess = 0;
        }
        let mut hidden = 0;
        let mut lines = vec![heading];
        for [status, name, summary] in &self.checks {
            if hidden < excess && status == "passed" {
                hidden += 1;
                continue;
            }
            lines.push(ProgressLine(format!("{status:<13} "), format!("{name:<30} {summary}")));
        }
        if hidden > 0 {
            lines.push(ProgressLine("passed        ".into(), format!("and {hidden} more")));
        }
        lines.truncate(room + 1);
        lines
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(board: &ProgressTable, at: &str, room: usize) -> String {
        let lines = board.lines(at.parse().unwrap(), room);
        assert!(lines.len() <= room);
        lines
            .iter()
            .fold(String::new(), |text, ProgressLine(first, rest)| text + first + rest + "\n")
    }

    fn check(name: &str, status: &str) -> News {
        News::Check(json!({"name": name, "status": status, "summary": "So it is."}))
    }

    #[test]
    fn it_changes_in_place_and_counts_down() {
        let at = "2026-01-01T00:00:00Z";
        let mut board = ProgressTable::default();
        assert_eq!(shown(&board, at, 20), "queued\n");
        board.take(&News::Attempt(json!({"attempt": 1, "next_attempt_at": null})));
        board.take(&check("bucket-reachable", "passed"));
        board.take(&check("key-usable", "inconclusive"));
        insta::assert_snapshot!(shown(&board, at, 20), @r"
        verifying     1 of 2 checks so far passed
        passed        bucket-reachable               So it is.
        inconclusive  key-usable                     So it is.
        ");
        board.take(&News::Attempt(json!({"attempt": 1, "next_attempt_at": "2026-01-01T00:00:15Z"})));
        insta::assert_snapshot!(shown(&board, at, 20), @r"
        waiting       AWS can take a minute to know of a change; trying again in 15 s
        passed        bucket-reachable               So it is.
        inconclusive  key-usable                     So it is.
        ");
        assert!(shown(&board, "2026-01-01T00:00:09Z", 20).contains("again in 6 s"));
        board.take(&News::Attempt(json!({"attempt": 2, "next_attempt_at": null})));
        board.take(&check("key-usable", "passed"));
        insta::assert_snapshot!(shown(&board, at, 20), @r"
        verifying     1 of 1 checks so far passed, attempt 2
        passed        key-usable                     So it is.
        ");
    }

    #[test]
    fn where_there_is_little_room_what_passed_makes_way() {
        let mut board = ProgressTable::default();
        board.take(&News::Attempt(json!({"attempt": 1, "next_attempt_at": null})));
        for n in 1..=6 {
            board.take(&check(&format!("check-{n}"), if n == 2 { "failed" } else { "passed" }));
        }
        insta::assert_snapshot!(shown(&board, "2026-01-01T00:00:00Z", 5), @r"
        verifying     5 of 6 checks so far passed
        failed        check-2                        So it is.
        passed        check-5                        So it is.
        passed        check-6                        So it is.
        passed        and 3 more
        ");
        assert_eq!(shown(&board, "2026-01-01T00:00:00Z", 1).lines().count(), 1);
    }
}
