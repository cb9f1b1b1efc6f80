//! docs/routes.md.

use std::fs::OpenOptions;
use std::io::{Read, Seek, Write};

use super::Row;

/// Compares a section of the page with the results, or replaces it.
pub fn check(section: &str, columns: &[&str], rows: &[Row]) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/routes.md");
    let updates = std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always");
    let mut file = OpenOptions::new().read(true).write(updates).open(path).expect("the page is there");
    // The tests of other sections may run at the same time.
    file.lock().expect("the page can be locked");
    let mut page = String::new();
    file.read_to_string(&mut page).expect("the page is text");
    let documented = table_of(&page, section);
    let expected = table(columns, rows);
    if page[documented.clone()] == expected {
        return;
    }
    if updates {
        page.replace_range(documented, &expected);
        file.set_len(0).expect("the page can be written");
        file.rewind().expect("the page can be written");
        file.write_all(page.as_bytes()).expect("the page can be written");
        return;
    }
    let documented: Vec<&str> = page[documented].lines().collect();
    let missing: Vec<&str> = expected.lines().filter(|line| !documented.contains(line)).collect();
    let stale: Vec<_> = documented
        .iter()
        .filter(|line| !expected.lines().any(|other| other == **line))
        .collect();
    panic!("docs/routes.md is stale, see tests/it/routes/mod.rs\nactual: {missing:#?}\ndocumented: {stale:#?}");
}

/// Where the section's table is.
fn table_of(page: &str, section: &str) -> std::ops::Range<usize> {
    let heading = format!("## {section}\n");
    let from = page.find(&heading).unwrap_or_else(|| panic!("there is no section {section}"));
    let start = from + page[from..].find("| Route |").expect("the section has a table");
    let end = page[start..].find("\n\n").map_or(page.len(), |length| start + length + 1);
    start..end
}

fn table(columns: &[&str], rows: &[Row]) -> String {
    let head = format!("| Route | {} |\n|{}\n", columns.join(" | "), " --- |".repeat(columns.len() + 1));
    rows.iter().fold(head, |table, row| {
        let cells: Vec<String> = row.outcomes.iter().map(ToString::to_string).collect();
        table + &format!("| `{}` | {} |\n", row.name(), cells.join(" | "))
    })
}
