//! Writes JSON values as YAML. All strings are quoted and ASCII, so that no YAML version reads them as something else:
//! `2012-10-17` as a date, twelve digits as a number, `no` as false.

use std::fmt::Write as _;

use serde_json::Value;

/// The value as a YAML document.
pub(crate) fn document(value: &Value) -> String {
    let mut text = String::new();
    block(value, 0, &mut text);
    text
}

/// Writes lines at this depth. Only non-empty objects and lists have their own lines.
fn block(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                indent(depth, text);
                text.push_str(&key(name));
                text.push(':');
                after(member, depth + 1, text);
            }
        }
        Value::Array(items) => {
            for item in items {
                indent(depth, text);
                text.push('-');
                match item {
                    // An object starts on the line of its hyphen.
                    Value::Object(members) if !members.is_empty() => {
                        let mut own = String::new();
                        block(item, depth + 1, &mut own);
                        text.push(' ');
                        text.push_str(own.trim_start());
                    }
                    _ => after(item, depth + 1, text),
                }
            }
        }
        scalar => after(scalar, depth, text),
    }
}

/// Writes what follows a colon or a hyphen.
fn after(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            text.push('\n');
            block(value, depth, text);
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            block(value, depth, text);
        }
        Value::String(scalar) => {
            let _ = writeln!(text, " {}", quoted(scalar));
        }
        // Empty objects and lists, numbers, true, false and null are the same in both languages.
        other => {
            let _ = writeln!(text, " {other}");
        }
    }
}

fn indent(depth: usize, text: &mut String) {
    text.extend(std::iter::repeat_n("  ", depth));
}

/// A member's name, unquoted if it is unambiguous.
fn key(name: &str) -> String {
    const WORDS: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan"];
    let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic()) && !WORDS.contains(&name.to_ascii_lowercase().as_str());
    if bare { name.to_owned() } else { quoted(name) }
}

/// A double-quoted scalar. <https://yaml.org/spec/1.2.2/#57-escaped-characters>
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
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
    use serde_json::json;

    use super::*;

    #[test]
    fn ambiguous_values_are_quoted() {
        let value = json!({"no": "no", "Version": "2012-10-17", "List": [], "Nested": [{"Account": "012345678901"}, ["x"], {}]});
        let expected =
            "\"no\": \"no\"\nVersion: \"2012-10-17\"\nList: []\nNested:\n  - Account: \"012345678901\"\n  -\n    - \"x\"\n  - {}\n";
        assert_eq!(document(&value), expected);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<String>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_value_can_be_parsed_again(value in any_value()) {
            let text = document(&json!({"Any": &value}));
            prop_assert!(text.is_ascii());
            let read: Value = yaml_serde::from_str(&text).unwrap();
            prop_assert_eq!(&read["Any"], &value);
        }
    }
}
