//! Positions in the change feed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::text::Malformed;

/// A cursor in the change feed: a position, and the random mark of the change there. Positions alone are ambiguous: when the database
/// loses commits, they are assigned again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedCursor {
    pub position: i64,
    pub mark: Uuid,
}

impl FeedCursor {
    /// # Errors
    /// `malformed_cursor`
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let bytes: Option<[u8; 24]> = bytes.and_then(|bytes| bytes.try_into().ok());
        let Some(bytes) = bytes else {
            let detail = "after must be a cursor from a previous response; omit it to read from the beginning";
            return Err(Malformed::new("malformed_cursor", detail));
        };
        let (position, mark) = bytes.split_at(8);
        Ok(Self {
            position: position.iter().fold(0, |number, byte| (number << 8) | i64::from(*byte)),
            mark: Uuid::from_slice(mark).expect("16 of 24 bytes remain"),
        })
    }
}

impl std::fmt::Display for FeedCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = [&self.position.to_be_bytes()[..], self.mark.as_bytes()].concat();
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_can_be_parsed_again() {
        for position in [0, 1, 0x0102_0304_0506_0708, i64::MAX] {
            let cursor = FeedCursor {
                position,
                mark: Uuid::from_u128(0x0191_0f5e_8f6a_7cc3_8f5e_2f8a_1c9f_0b11),
            };
            assert_eq!(FeedCursor::parse(&cursor.to_string()), Ok(cursor));
        }
    }

    #[test]
    fn anything_else_is_malformed() {
        for bad in ["", "0", "17", "abc", "AAAA", "\u{e9}", &"A".repeat(33)] {
            assert_eq!(FeedCursor::parse(bad).unwrap_err().code, "malformed_cursor", "{bad:?}");
        }
    }
}
