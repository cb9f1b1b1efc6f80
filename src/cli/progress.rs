//! Live view of a verification: a table that is redrawn in place.

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
use super::output::{color_of, text};
use super::verification_stream::{VerificationEvent, VerificationStream};
use crate::clock::SharedClock;

/// Redraw interval, for the countdown.
const TICK: Duration = Duration::from_secs(1);

pub(super) struct ProgressDisplay {
    clock: SharedClock,
    table: ProgressTable,
    lines_drawn: u16,
}

/// The progress so far.
#[derive(Default)]
struct ProgressTable {
    attempt: String,
    next_attempt_at: Option<DateTime<Utc>>,
    /// Status, name and summary, in order of arrival.
    checks: Vec<[String; 3]>,
}

/// A status, which determines the color, and the rest of the line.
#[derive(Debug, PartialEq)]
struct ProgressLine(String, String);

impl ProgressDisplay {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self {
            clock,
            table: ProgressTable::default(),
            lines_drawn: 0,
        }
    }

    /// Draws the table until the verification finishes, then removes it.
    pub(super) async fn follow(mut self, client: &ClientArgs, id: &str) -> Result<Value, Failure> {
        let mut events = VerificationStream::new(client, id);
        loop {
            self.draw();
            let tick = self.clock.sleep(TICK);
            let event = match select(Box::pin(events.next()), tick).await {
                Either::Left((event, _)) => event?,
                Either::Right(_) => continue,
            };
            match event {
                VerificationEvent::Finished(verification) => return Ok(verification),
                event => self.table.update(&event),
            }
        }
    }

    fn draw(&mut self) {
        let size = terminal::size().ok().filter(|(width, height)| *width > 0 && *height > 0);
        let (width, height) = size.unwrap_or((80, 24));
        let lines = self.table.lines(self.clock.now(), usize::from(height.saturating_sub(1)));
        let mut out = stdout().lock();
        self.clear(&mut out);
        for ProgressLine(status, rest) in &lines {
            let status: String = status.chars().take(usize::from(width)).collect();
            let room = usize::from(width).saturating_sub(status.chars().count());
            let rest: String = rest.chars().take(room).collect();
            let status = match color_of(status.trim()) {
                Some(comfy_table::Color::Green) => status.green(),
                Some(comfy_table::Color::Red) => status.red(),
                Some(comfy_table::Color::Yellow) => status.yellow(),
                Some(_) => status.dark_grey(),
                None => status.stylize(),
            };
            let _ = queue!(out, Print(status), Print(rest), Print("\r\n"));
        }
        let _ = out.flush();
        self.lines_drawn = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    }

    fn clear(&self, out: &mut impl Write) {
        if self.lines_drawn > 0 {
            let _ = queue!(out, MoveUp(self.lines_drawn));
        }
        let _ = queue!(out, MoveToColumn(0), Clear(ClearType::FromCursorDown));
    }
}

impl Drop for ProgressDisplay {
    fn drop(&mut self) {
        let mut out = stdout().lock();
        self.clear(&mut out);
        let _ = out.flush();
    }
}

impl ProgressTable {
    fn update(&mut self, event: &VerificationEvent) {
        match event {
            VerificationEvent::Attempt(attempt) => {
                let number = text(attempt, "attempt");
                if number != self.attempt {
                    self.checks.clear();
                }
                self.attempt = number;
                let until = attempt["next_attempt_at"].as_str().and_then(|at| at.parse().ok());
                self.next_attempt_at = until;
            }
            VerificationEvent::Check(check) => {
                let row = [text(check, "status"), text(check, "name"), text(check, "summary")];
                match self.checks.iter_mut().find(|known| known[1] == row[1]) {
                    Some(known) => *known = row,
                    None => self.checks.push(row),
                }
            }
            VerificationEvent::Finished(_) => {}
        }
    }

    /// At most `room` lines. If there are more checks, passed ones are hidden first.
    fn lines(&self, now: DateTime<Utc>, room: usize) -> Vec<ProgressLine> {
        let passed = self.checks.iter().filter(|check| check[0] == "passed").count();
        let heading = match (self.attempt.as_str(), self.next_attempt_at) {
            ("", _) => ProgressLine("queued".into(), String::new()),
            (_, Some(at)) => {
                let seconds = (at - now).num_seconds().max(0);
                let reason = format!("       AWS changes can take a minute to propagate; retrying in {seconds} s");
                ProgressLine("waiting".into(), reason)
            }
            (attempt, None) => {
                let suffix = if attempt == "1" {
                    String::new()
                } else {
                    format!(", attempt {attempt}")
                };
                ProgressLine(
                    "verifying".into(),
                    format!("     {passed} of {} checks passed so far{suffix}", self.checks.len()),
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

    fn rendered(table: &ProgressTable, at: &str, room: usize) -> String {
        let lines = table.lines(at.parse().unwrap(), room);
        assert!(lines.len() <= room);
        lines
            .iter()
            .fold(String::new(), |text, ProgressLine(status, rest)| text + status + rest + "\n")
    }

    fn check(name: &str, status: &str) -> VerificationEvent {
        VerificationEvent::Check(json!({"name": name, "status": status, "summary": "A summary."}))
    }

    #[test]
    fn the_table_shows_the_latest_status_and_a_countdown() {
        let at = "2026-01-01T00:00:00Z";
        let mut table = ProgressTable::default();
        assert_eq!(rendered(&table, at, 20), "queued\n");
        table.update(&VerificationEvent::Attempt(json!({"attempt": 1, "next_attempt_at": null})));
        table.update(&check("bucket-reachable", "passed"));
        table.update(&check("key-usable", "inconclusive"));
        insta::assert_snapshot!(rendered(&table, at, 20), @r"
        verifying     1 of 2 checks passed so far
        passed        bucket-reachable               A summary.
        inconclusive  key-usable                     A summary.
        ");
        table.update(&VerificationEvent::Attempt(
            json!({"attempt": 1, "next_attempt_at": "2026-01-01T00:00:15Z"}),
        ));
        insta::assert_snapshot!(rendered(&table, at, 20), @r"
        waiting       AWS changes can take a minute to propagate; retrying in 15 s
        passed        bucket-reachable               A summary.
        inconclusive  key-usable                     A summary.
        ");
        assert!(rendered(&table, "2026-01-01T00:00:09Z", 20).contains("retrying in 6 s"));
        table.update(&VerificationEvent::Attempt(json!({"attempt": 2, "next_attempt_at": null})));
        table.update(&check("key-usable", "passed"));
        insta::assert_snapshot!(rendered(&table, at, 20), @r"
        verifying     1 of 1 checks passed so far, attempt 2
        passed        key-usable                     A summary.
        ");
    }

    #[test]
    fn passed_checks_are_hidden_first_when_there_is_little_room() {
        let mut table = ProgressTable::default();
        table.update(&VerificationEvent::Attempt(json!({"attempt": 1, "next_attempt_at": null})));
        for n in 1..=6 {
            table.update(&check(&format!("check-{n}"), if n == 2 { "failed" } else { "passed" }));
        }
        insta::assert_snapshot!(rendered(&table, "2026-01-01T00:00:00Z", 5), @r"
        verifying     5 of 6 checks passed so far
        failed        check-2                        A summary.
        passed        check-5                        A summary.
        passed        check-6                        A summary.
        passed        and 3 more
        ");
        assert_eq!(rendered(&table, "2026-01-01T00:00:00Z", 1).lines().count(), 1);
    }
}
