//! Tables for a terminal, JSON for a program.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stdout};

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{Cell, Color, ContentArrangement, LineStyle, Table};
use serde_json::Value;

/// Prints a line. Whoever reads may have had enough (`| head`): that is no fault of ours.
pub fn say(text: impl Display) {
    let _ = writeln!(stdout(), "{text}");
}

/// Prints a value as JSON.
pub fn json(value: &Value) {
    say(format_args!("{value:#}"));
}

/// Whether what is printed may be coloured and drawn over: on a terminal, unless it was asked not to. <https://no-color.org>
pub fn is_lively() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    stdout().is_terminal() && !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// How wide the terminal is; none where there is none, or it does not know.
fn width() -> Option<u16> {
    let (width, _) = crossterm::terminal::size().ok().filter(|_| stdout().is_terminal())?;
    (width > 0).then_some(width)
}

/// Prints rows under their headings, no wider than the terminal.
pub fn table(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let lively = is_lively();
    let cell = |text: String| {
        let colour = tint(&text).filter(|_| lively);
        let cell = Cell::new(text);
        colour.map_or(cell.clone(), |colour| cell.fg(colour))
    };
    let mut table = Table::new();
    table
        .load_style(UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(headings);
    if !lively {
        table.force_no_tty();
    }
    if let Some(width) = width() {
        table.set_width(width);
    }
    table.add_rows(rows.into_iter().map(|row| row.into_iter().map(cell).collect::<Vec<_>>()));
    for line in table.lines() {
        say(line.trim_end());
    }
}

/// The members of a list's items under headings.
pub fn list(items: &[Value], columns: &[(&str, &str)]) {
    let headings: Vec<&str> = columns.iter().map(|(heading, _)| *heading).collect();
    let row = |item: &Value| columns.iter().map(|(_, member)| text(item, member)).collect();
    table(&headings, items.iter().map(row));
}

/// Words that say how something stands, in the colours that everybody knows.
pub fn tint(word: &str) -> Option<Color> {
    match word {
        "passed" | "verified" | "active" => Some(Color::Green),
        "failed" | "rejected" | "degraded" | "action_required" => Some(Color::Red),
        "warning" | "inconclusive" | "waiting" => Some(Color::Yellow),
        "skipped" | "superseded" | "suspended" | "offboarded" | "revoked" | "expired" => Some(Color::DarkGrey),
        _ => None,
    }
}

/// A member as a person reads it: nothing for null, text without quotation marks, times to the second.
pub fn text(value: &Value, member: &str) -> String {
    match &value[member] {
        Value::Null => String::new(),
        Value::String(text) if member.ends_with("_at") || member == "at" => time(text),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// In UTC, as the API has it.
fn time(text: &str) -> String {
    chrono::DateTime::parse_from_rfc3339(text).map_or_else(|_| text.to_owned(), |at| at.format("%Y-%m-%d %H:%M:%SZ").to_string())
}
