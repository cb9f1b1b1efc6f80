//! A text as it was pasted: cleaned of what copying adds, and searched for ARNs.

use serde_json::Value;

use super::{ArnField, FormContext, only, word_of};
use crate::domain::account::is_invisible;

/// The pasted text, with typographic characters replaced by those that were meant.
pub(super) struct Pasted {
    text: String,
    has_odd_characters: bool,
}

/// What surrounds a value: quotes of any kind, and punctuation of lists.
fn is_wrapping(c: char) -> bool {
    matches!(
        c,
        '"' | '\''
            | '`'
            | ','
            | ';'
            | '<'
            | '>'
            | '('
            | ')'
            | '['
            | ']'
            | '{'
            | '}'
            | '|'
            | '\\'
            | '“'
            | '”'
            | '„'
            | '‘'
            | '’'
            | '‚'
            | '«'
            | '»'
    )
}

fn plain(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{ff1a}' | '\u{2236}' | '\u{a789}' => ':',
        '\u{ff0f}' | '\u{2215}' => '/',
        c => c,
    }
}

impl Pasted {
    pub(super) fn new(text: &str) -> Self {
        let mut cleaned: String = text.chars().filter(|c| !is_invisible(*c)).map(plain).collect();
        let has_odd_characters = cleaned != text;
        // An ARN in a URL or in its query.
        if cleaned.to_ascii_lowercase().contains("arn%3a")
            && let Ok(decoded) = percent_encoding::percent_decode_str(&cleaned).decode_utf8()
        {
            cleaned = decoded.into_owned();
        }
        Self {
            text: cleaned.trim().to_owned(),
            has_odd_characters,
        }
    }

    pub(super) fn has_odd_characters(&self) -> bool {
        self.has_odd_characters
    }

    pub(super) fn is_json(&self) -> bool {
        self.text.starts_with(['{', '['])
    }

    pub(super) fn is_broken(&self) -> bool {
        self.text.contains(char::is_whitespace)
    }

    /// The first line is long enough to have been broken by a terminal or a mail program.
    pub(super) fn is_wrapped(&self) -> bool {
        self.text.lines().next().is_some_and(|line| line.chars().count() >= 60)
    }

    /// There is white space other than around line breaks.
    pub(super) fn has_inner_spaces(&self) -> bool {
        self.text.lines().any(|line| line.trim().contains(char::is_whitespace))
    }

    /// The first thing is an ARN, and another one begins in it.
    pub(super) fn is_nested(&self) -> bool {
        self.text.starts_with("arn:") && !self.is_broken() && self.text.matches("arn:").count() > 1
    }

    /// The words, without what surrounds them.
    pub(super) fn words(&self) -> Vec<&str> {
        let words = self.text.split_whitespace().map(|word| word.trim_matches(is_wrapping));
        words.filter(|word| !word.is_empty()).collect()
    }

    /// The text in one piece.
    pub(super) fn joined(&self) -> String {
        let joined: String = self.text.chars().filter(|c| !c.is_whitespace()).collect();
        joined.trim_matches(is_wrapping).to_owned()
    }

    /// The text in one piece, in lower case as far as AWS has only lower case there.
    pub(super) fn lowercase(&self, field: ArnField) -> String {
        let joined = self.joined();
        let lower = joined.to_ascii_lowercase();
        match (field, lower.find(":role/")) {
            (ArnField::Role, Some(at)) => {
                let names = at + ":role/".len();
                format!("{}{}", &lower[..names], &joined[names..])
            }
            _ => lower,
        }
    }

    /// The different ARNs for this field in the text, apart from the vendor's.
    pub(super) fn arns(&self, field: ArnField, around: FormContext) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let starts: Vec<usize> = self.text.match_indices("arn:").map(|(at, _)| at).collect();
        for (nth, start) in starts.iter().enumerate() {
            let end = starts.get(nth + 1).copied().unwrap_or(self.text.len());
            let rest = &self.text[*start..end];
            // A comma can be part of a role's name, but mostly ends it.
            let ends = |c: char| c.is_whitespace() || is_wrapping(c);
            let word = rest.split(ends).next().unwrap_or_default();
            let word = word.trim_end_matches(['.', ':', '!', '?', '&']);
            let arn = match (field, word.split_once('/')) {
                (ArnField::Bucket, Some((bucket, _))) => bucket,
                _ => word,
            };
            if around.may_offer(field, arn) && !found.iter().any(|known| known == arn) {
                found.push(arn.to_owned());
            }
        }
        found
    }

    /// The value of the only line whose label names this field, such as `bucket_name = "acme"`, or of the only line.
    pub(super) fn labelled(&self, field: ArnField, around: FormContext) -> Option<String> {
        let names: &[&str] = match field {
            ArnField::Bucket => &["bucket"],
            ArnField::Key => &["key", "kms"],
            ArnField::Role => &["role"],
        };
        let json = serde_json::from_str(&self.text).ok();
        let mut lines: Vec<(String, &str)> = Vec::new();
        match &json {
            Some(json) => gather("", json, &mut lines),
            None => lines.extend(self.text.lines().filter_map(label)),
        }
        let is_alone = lines.len() == 1 && self.text.lines().count() == 1;
        let mut found: Vec<String> = lines
            .into_iter()
            .filter(|(label, _)| is_alone || names.iter().any(|name| label.contains(name)))
            .filter_map(|(_, value)| word_of(field, value, around)?.arn)
            .filter(|arn| around.may_offer(field, arn))
            .collect();
        found.sort();
        found.dedup();
        only(found)
    }
}

/// The texts in a JSON value, each with the name of its member.
fn gather<'a>(name: &str, value: &'a Value, found: &mut Vec<(String, &'a str)>) {
    match value {
        Value::String(text) => found.push((name.to_lowercase(), text)),
        Value::Array(items) => items.iter().for_each(|item| gather(name, item, found)),
        // Terraform's outputs have their value in a member of that name.
        Value::Object(members) => members.iter().for_each(|(member, value)| {
            gather(if member == "value" { name } else { member }, value, found);
        }),
        _ => {}
    }
}

/// A line's label and its value, if the value is one word: `Bucket: acme`, `export BUCKET=acme`, `"bucket": "acme",`.
fn label(line: &str) -> Option<(String, &str)> {
    let at = line.char_indices().find_map(|(at, c)| {
        let rest = &line[at + c.len_utf8()..];
        let ends = c == '=' || c == ':' && rest.starts_with([' ', '\t', '"', '\'']);
        ends.then_some(at)
    })?;
    let (label, value) = (&line[..at], line[at + 1..].trim().trim_matches(is_wrapping));
    let is_label = !label.trim().is_empty()
        && label
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '"' | '\'' | '.' | '\t'));
    (is_label && !value.is_empty() && !value.contains(char::is_whitespace)).then(|| (label.to_lowercase(), value))
}
