//! Output: tables on a terminal, JSON for programs.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stdout};

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{Cell, Color, ContentArrangement, LineStyle, Table};
use serde_json::Value;

/// Prints a line. A pipe that the reader closes early, as `head` does, is not an error.
pub(super) fn print_line(text: impl Display) {
    let _ = writeln!(stdout(), "{text}");
}

/// Prints a value as JSON.
pub(super) fn json(value: &Value) {
    print_line(format_args!("{value:#}"));
}

/// Whether output may use colors and cursor movement. See <https://no-color.org>.
pub(super) fn is_interactive() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    stdout().is_terminal() && !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// The terminal's width, if it is known.
fn width() -> Option<u16> {
    let (width, _) = crossterm::terminal::size().ok().filter(|_| stdout().is_terminal())?;
    (width > 0).then_some(width)
}

/// Prints a table that is no wider than the terminal.
pub(super) fn table(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let is_interactive = is_interactive();
    let cell = |text: String| {
        let color = color_of(&text).filter(|_| is_interactive);
        let cell = Cell::new(text);
        color.map_or(cell.clone(), |color| cell.fg(color))
    };
    let mut table = Table::new();
    table
        .load_style(UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(headings);
    if !is_interactive {
        table.force_no_tty();
    }
    if let Some(width) = width() {
        table.set_width(width);
    }
    table.add_rows(rows.into_iter().map(|row| row.into_iter().map(cell).collect::<Vec<_>>()));
    for line in table.lines() {
        print_line(line.trim_end());
    }
}

/// Prints a table of JSON objects. A column is a heading and a field.
pub(super) fn list(items: &[Value], columns: &[(&str, &str)]) {
    let headings: Vec<&str> = columns.iter().map(|(heading, _)| *heading).collect();
    let row = |item: &Value| columns.iter().map(|(_, field)| text(item, field)).collect();
    table(&headings, items.iter().map(row));
}

/// The color of a status.
pub(super) fn color_of(status: &str) -> Option<Color> {
    match status {
        "passed" | "verified" | "active" => Some(Color::Green),
        "failed" | "rejected" | "degraded" | "quarantined" | "action_required" => Some(Color::Red),
        "warning" | "inconclusive" | "waiting" | "blocked_by_vendor" => Some(Color::Yellow),
        "skipped" | "superseded" | "suspended" | "offboarded" | "revoked" | "expired" => Some(Color::DarkGrey),
        _ => None,
    }
}

/// A field as text: empty for null, without quotes, times to the second.
pub(super) fn text(value: &Value, field: &str) -> String {
    match &value[field] {
        Value::Null => String::new(),
        Value::String(text) if is_time(field) => time(text),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn is_time(field: &str) -> bool {
    field.ends_with("_at") || ["at", "not_before", "due_since", "confirmed_longest_ago"].contains(&field)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// In UTC, as in the API.
fn time(text: &str) -> String {
    chrono::DateTime::parse_from_rfc3339(text).map_or_else(|_| text.to_owned(), |at| at.format("%Y-%m-%d %H:%M:%SZ").to_string())
}
