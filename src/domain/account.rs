//! AWS account IDs.

use super::text::{Malformed, checked_text};

const FORM: &str = "an AWS account ID consists of 12 digits without hyphens, such as 123456789012";

/// Twelve digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AccountId(String);

impl AccountId {
    /// # Errors
    /// `malformed_account_id`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if is_id(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(explain(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
checked_text!(AccountId);

fn is_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// The error of a text that is not an account ID, with the one that was probably meant.
fn explain(text: &str) -> Malformed {
    let malformed = |more: &str| Malformed::new("malformed_account_id", format!("{FORM}{more}"));
    let found = ids_in(text);
    if let [only] = found.as_slice() {
        return malformed("").suggest(only);
    }
    if found.len() > 1 {
        return malformed("; this text contains several");
    }
    // Spreadsheets append a decimal point.
    let number = text.trim_matches(['"', '\'', ' ']);
    let number = number.strip_suffix(".0").unwrap_or(number);
    if let Some((digits, exponent)) = number.split_once(['e', 'E'])
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && exponent.trim_start_matches('+').bytes().all(|b| b.is_ascii_digit())
        && !digits.is_empty()
        && !exponent.is_empty()
    {
        return malformed("; a spreadsheet rounded this one, so copy the ID from the AWS console");
    }
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    if !number.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | ' ')) {
        return malformed("");
    }
    match digits.len() {
        11 => malformed("; this one has 11, and a leading zero was probably lost").suggest(format!("0{digits}")),
        count @ 1..=10 => {
            let octal = digits.parse::<u64>().map(|number| format!("0{number:o}")).unwrap_or_default();
            malformed(&if is_id(&octal) {
                format!(
                    "; this one has {count}: YAML reads {octal} as an octal number, which is {digits}, so put the ID in quotes, and \
                     copy it from the AWS console"
                )
            } else {
                format!(
                    "; this one has {count}, probably because a program read it as a number, as YAML reads a leading zero: copy the \
                     ID from the AWS console"
                )
            })
        }
        count if count > 12 => malformed(&format!("; this one has {count}")),
        _ => malformed(""),
    }
}

/// The different account IDs in a text, also as the console shows them: `1234-5678-9012`.
fn ids_in(text: &str) -> Vec<String> {
    let visible: String = text.chars().filter(|c| !is_invisible(*c)).collect();
    let mut runs: Vec<&str> = Vec::new();
    let mut start = 0;
    for (at, c) in visible.char_indices() {
        let before = visible[start..at].chars().next();
        if before.is_some_and(|before| before.is_ascii_digit() != c.is_ascii_digit()) {
            runs.push(&visible[start..at]);
            start = at;
        }
    }
    runs.push(&visible[start..]);
    let is_separator = |run: &str| {
        matches!(
            run,
            "-" | " " | "\u{a0}" | "\u{2010}" | "\u{2011}" | "\u{2012}" | "\u{2013}" | "\u{2014}" | "\u{2015}"
        )
    };
    let mut found: Vec<String> = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        let id = match runs.get(at..at + 5) {
            _ if is_id(run) => Some((*run).to_owned()),
            Some([one, first, two, second, three])
                if [one, two, three]
                    .iter()
                    .all(|run| run.len() == 4 && run.bytes().all(|b| b.is_ascii_digit()))
                    && is_separator(first)
                    && is_separator(second) =>
            {
                Some([*one, *two, *three].concat())
            }
            _ => None,
        };
        found.extend(id.filter(|id| !found.contains(id)));
    }
    found
}

/// Characters that nobody sees, which web pages and chats insert when text is copied.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::as_the_console_shows_it("1234-5678-9012", "123456789012")]
    #[case::with_spaces("1234 5678 9012", "123456789012")]
    #[case::in_quotes("\"123456789012\",", "123456789012")]
    #[case::with_its_label("Account ID: 1234-5678-9012", "123456789012")]
    #[case::in_an_arn("arn:aws:iam::123456789012:root", "123456789012")]
    #[case::sign_in_address("https://123456789012.signin.aws.amazon.com/console", "123456789012")]
    #[case::of_a_spreadsheet("123456789012.0", "123456789012")]
    #[case::with_an_invisible_character("\u{feff}123456789012", "123456789012")]
    #[case::caller_identity(
        "{\"UserId\": \"AIDA\", \"Account\": \"123456789012\", \"Arn\": \"arn:aws:iam::123456789012:user/a\"}",
        "123456789012"
    )]
    #[case::a_lost_zero("12345678901", "012345678901")]
    fn the_id_that_was_meant_is_offered(#[case] text: &str, #[case] meant: &str) {
        assert_eq!(AccountId::parse(text).unwrap_err().suggestion.as_deref(), Some(meant));
    }

    #[rstest]
    #[case::octal("1402434204", "012345671234")]
    #[case::scientific("1.23457E+11", "spreadsheet")]
    #[case::two("123456789012 and 210987654321", "several")]
    #[case::too_long("1234567890123", "has 13")]
    #[case::words("abc", "12 digits")]
    fn an_id_that_cannot_be_told_is_explained(#[case] text: &str, #[case] words: &str) {
        let fault = AccountId::parse(text).unwrap_err();
        assert_eq!(fault.suggestion, None);
        assert!(fault.detail.contains(words), "{}", fault.detail);
    }
}
