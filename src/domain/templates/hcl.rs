//! Writes JSON values as HCL expressions, formatted like `terraform fmt`.

use std::fmt::Write as _;

use serde_json::Value;

/// Writes a value. Lines after the first are indented by `depth`. `known` returns the expression for a placeholder.
pub(crate) fn expression(value: &Value, depth: usize, known: &dyn Fn(&str) -> Option<String>) -> String {
    let inner = "  ".repeat(depth + 1);
    let end = "  ".repeat(depth);
    match value {
        Value::String(text) => known(text).unwrap_or_else(|| quoted(text)),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Array(items) => {
            let mut list = String::from("[\n");
            for item in items {
                let _ = writeln!(list, "{inner}{},", expression(item, depth + 1, known));
            }
            list + &end + "]"
        }
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let members: Vec<(String, String)> = members
                .iter()
                .map(|(name, member)| (key(name), expression(member, depth + 1, known)))
                .collect();
            let mut object = String::from("{\n");
            for (at, (name, member)) in members.iter().enumerate() {
                let width = width_around(&members, at);
                let _ = writeln!(object, "{inner}{name:width$} = {member}");
            }
            object + &end + "}"
        }
        // Numbers, true, false and null are the same in both languages.
        other => other.to_string(),
    }
}

/// Like `terraform fmt`, aligns the equals signs of consecutive single-line members.
fn width_around(members: &[(String, String)], at: usize) -> usize {
    let single = |member: &&(String, String)| !member.1.contains('\n');
    if !single(&&members[at]) {
        return 0;
    }
    let before = members[..at].iter().rev().take_while(single);
    let after = members[at..].iter().take_while(single);
    before.chain(after).map(|(name, _)| name.len()).max().unwrap_or_default()
}

fn key(name: &str) -> String {
    let bare = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if bare { name.to_owned() } else { quoted(name) }
}

/// A quoted string without interpolation. <https://developer.hashicorp.com/terraform/language/expressions/strings>
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            // `${` and `%{` start an expression unless the first character is doubled.
            '$' | '%' if characters.peek() == Some(&'{') => {
                quoted.push(character);
                quoted.push(character);
            }
            ' '..='~' => quoted.push(character),
            other => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(other));
            }
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_interpolated() {
        assert_eq!(quoted("a ${b} %{c} $${d} \"e\"\\\n"), r#""a $${b} %%{c} $$${d} \"e\"\\\n""#);
    }

    proptest! {
        /// Checked with an independent HCL parser.
        #[test]
        fn a_quoted_text_is_parsed_unchanged(text in "\\PC*|([\"\\\\${}%\n\r~]|\\$\\{|%\\{){0,12}") {
            let body: hcl::Body = hcl::from_str(&format!("a = {}\nb = 1\n", quoted(&text))).unwrap();
            let read: Vec<(&str, &hcl::Expression)> = body.attributes().map(|attribute| (attribute.key(), attribute.expr())).collect();
            prop_assert_eq!(read.len(), 2);
            prop_assert_eq!(read[0], ("a", &hcl::Expression::from(text)));
        }
    }
}
