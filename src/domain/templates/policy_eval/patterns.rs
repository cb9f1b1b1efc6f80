//! Patterns with wildcards: `*` stands for any text, `?` for one character.

use super::AccessDecision;

/// The longest pattern that is evaluated, in bytes. No ARN is longer:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const LONGEST_PATTERN: usize = 2048;

/// Whether a pattern matches all, some or none of the texts that the other pattern matches. Case is ignored, because actions
/// are case-insensitive and no two resources here differ only by case.
pub(crate) fn covers(pattern: &str, other: &str) -> AccessDecision {
    if pattern.len() > LONGEST_PATTERN {
        return AccessDecision::Maybe;
    }
    let (pattern, other) = (pattern.to_ascii_lowercase(), other.to_ascii_lowercase());
    // Replaces wildcards with a character that no pattern contains, so that only another wildcard can match it.
    if glob(pattern.as_bytes(), other.replace('*', "\u{1}\u{1}").as_bytes()) {
        AccessDecision::Yes
    } else if other.contains(['*', '?']) && overlap(pattern.as_bytes(), other.as_bytes()) {
        AccessDecision::Maybe
    } else {
        AccessDecision::No
    }
}

/// The same for ARNs of resources, whose six parts are compared one by one. Missing parts match everything.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>
pub(super) fn arn_covers(pattern: &str, other: &str) -> AccessDecision {
    if !pattern.starts_with("arn:") || !other.starts_with("arn:") {
        return covers(pattern, other);
    }
    let wanted = pattern.splitn(6, ':').chain(std::iter::repeat("*"));
    let parts = wanted.zip(other.splitn(6, ':')).map(|(wanted, actual)| covers(wanted, actual));
    parts.min().unwrap_or(AccessDecision::No)
}

/// Whether an ARN has a value that a condition wants, part by part: no wildcard matches across a colon.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN>
pub(super) fn arn_like(wanted: &str, actual: &str) -> bool {
    let (wanted, actual): (Vec<&str>, Vec<&str>) = (wanted.splitn(6, ':').collect(), actual.splitn(6, ':').collect());
    wanted.len() == 6
        && actual.len() == 6
        && wanted
            .iter()
            .zip(actual)
            .all(|(wanted, actual)| glob(wanted.as_bytes(), actual.as_bytes()))
}

/// Whether a pattern matches a text, with case.
pub(super) fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut star) = ((0, 0), None);
    while at.1 < text.len() {
        steps::add(1);
        match pattern.get(at.0) {
            Some(b'*') => {
                star = Some(at);
                at.0 += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[at.1] => at = (at.0 + 1, at.1 + 1),
            _ => match star {
                Some((pattern_at, text_at)) => {
                    star = Some((pattern_at, text_at + 1));
                    at = (pattern_at + 1, text_at + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at.0..].iter().all(|byte| *byte == b'*')
}

/// Whether any text matches both patterns.
fn overlap(one: &[u8], other: &[u8]) -> bool {
    // reached[j]: some text matches both the part of `one` so far and the first j bytes of `other`.
    let (mut reached, mut next) = (vec![false; other.len() + 1], vec![false; other.len() + 1]);
    reached[0] = true;
    for at in 0..other.len() {
        reached[at + 1] = reached[at] && other[at] == b'*';
    }
    for byte in one {
        steps::add(other.len());
        next[0] = reached[0] && *byte == b'*';
        for at in 0..other.len() {
            let theirs = other[at];
            next[at + 1] = if *byte == b'*' || theirs == b'*' {
                reached[at + 1] || next[at]
            } else {
                reached[at] && (*byte == theirs || *byte == b'?' || theirs == b'?')
            };
        }
        std::mem::swap(&mut reached, &mut next);
    }
    reached[other.len()]
}

/// Counts comparisons, so that a test can bound the cost of the worst policy.
pub(crate) mod steps {
    #[cfg(test)]
    thread_local! {
        static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    #[cfg(test)]
    pub(super) fn add(count: usize) {
        STEPS.set(STEPS.get() + count);
    }

    #[cfg(not(test))]
    pub(super) fn add(_: usize) {}

    /// The steps of this thread since the last call.
    #[cfg(test)]
    pub(crate) fn take() -> usize {
        STEPS.take()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("arn:aws:s3:::b/*", "arn:aws:s3:::b/*", AccessDecision::Yes)]
    #[case("*", "arn:aws:s3:::b/*", AccessDecision::Yes)]
    #[case("arn:aws:s3:::b*", "arn:aws:s3:::b/*", AccessDecision::Yes)]
    #[case("arn:aws:s3:::b/private/*", "arn:aws:s3:::b/*", AccessDecision::Maybe)]
    #[case("arn:aws:s3:::*/private/*", "arn:aws:s3:::b/*", AccessDecision::Maybe)]
    #[case("arn:aws:s3:::c/*", "arn:aws:s3:::b/*", AccessDecision::No)]
    #[case("arn:aws:s3:::b", "arn:aws:s3:::b/*", AccessDecision::No)]
    #[case("s3:put*", "s3:PutObject", AccessDecision::Yes)]
    #[case("s3:PutObject?cl", "s3:PutObject", AccessDecision::No)]
    fn patterns_cover(#[case] pattern: &str, #[case] other: &str, #[case] expected: AccessDecision) {
        assert_eq!(covers(pattern, other), expected);
        assert_eq!(arn_covers(pattern, other), expected);
    }

    #[rstest]
    #[case("arn:*:s3:::b/*", AccessDecision::Yes)]
    #[case("arn:aws:s3", AccessDecision::Yes)]
    #[case("arn:aws:s3*b/*", AccessDecision::No)]
    #[case("arn:aws:s3:*:*:b/x", AccessDecision::Maybe)]
    fn no_wildcard_of_a_resource_matches_across_a_colon(#[case] pattern: &str, #[case] expected: AccessDecision) {
        assert_eq!(arn_covers(pattern, "arn:aws:s3:::b/*"), expected);
    }

    proptest! {
        /// Checked by brute force: some text over this alphabet matches both.
        #[test]
        fn patterns_overlap_when_a_text_matches_both(one in "[ab?*]{0,4}", other in "[ab*]{0,4}") {
            let mut texts = vec![String::new()];
            for length in 0..8 {
                let longer: Vec<String> = texts.iter().filter(|text| text.len() == length).flat_map(|text| ["a", "b"].map(|more| text.clone() + more)).collect();
                texts.extend(longer);
            }
            let common = texts.iter().any(|text| glob(one.as_bytes(), text.as_bytes()) && glob(other.as_bytes(), text.as_bytes()));
            prop_assert_eq!(overlap(one.as_bytes(), other.as_bytes()), common);
        }
    }
}
