//! The vendor's colour, and what becomes of it so that text stays legible.

use std::fmt;
use std::str::FromStr;

use super::text::Malformed;

/// Red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrandColor([u8; 3]);

/// What text needs against its background: WCAG 2.2, level AA.
/// <https://www.w3.org/TR/WCAG22/#contrast-minimum>
const LEGIBLE: f64 = 4.5;

impl FromStr for BrandColor {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let mut bytes = [0; 3];
        let digits = text.strip_prefix('#').unwrap_or_default();
        hex::decode_to_slice(digits, &mut bytes)
            .map(|()| Self(bytes))
            .map_err(|_| Malformed::new("malformed_colour", "this is no colour"))
    }
}

impl fmt::Display for BrandColor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", hex::encode(self.0))
    }
}

impl BrandColor {
    pub const WHITE: Self = Self([255; 3]);
    pub const BLACK: Self = Self([0; 3]);

    pub const fn of(red: u8, green: u8, blue: u8) -> Self {
        Self([red, green, blue])
    }

    /// From 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// This colour, taken towards another one just as far as it needs to be legible on every one of these backgrounds.
    #[must_use]
    pub fn legible_on(self, backgrounds: &[Self], towards: Self) -> Self {
        (0..=20)
            .map(|step| self.mixed(towards, f64::from(step) / 20.0))
            .find(|colour| backgrounds.iter().all(|background| colour.contrast(*background) >= LEGIBLE))
            .unwrap_or(towards)
    }

    fn mixed(self, other: Self, share: f64) -> Self {
        let mut mixed = self.0;
        for (own, others) in mixed.iter_mut().zip(other.0) {
            let value = f64::from(*own) * (1.0 - share) + f64::from(others) * share;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
            {
                *own = value.round() as u8;
            }
        }
        Self(mixed)
    }

    /// <https://www.w3.org/TR/WCAG22/#dfn-relative-luminance>
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|byte| {
            let share = f64::from(byte) / 255.0;
            if share <= 0.04045 {
                share / 12.92
            } else {
                ((share + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_read_and_written() {
        assert_eq!("#0b5fff".parse::<BrandColor>().unwrap().to_string(), "#0b5fff");
        for wrong in ["0b5fff", "#0b5ff", "#0b5fff00", "red", ""] {
            assert!(wrong.parse::<BrandColor>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn contrast_is_as_wcag_has_it() {
        assert!((BrandColor::BLACK.contrast(BrandColor::WHITE) - 21.0).abs() < 0.001);
        assert!((BrandColor::of(0x76, 0x76, 0x76).contrast(BrandColor::WHITE) - 4.54).abs() < 0.01);
    }

    #[test]
    fn any_colour_becomes_legible() {
        for red in (0..=255).step_by(51) {
            for green in (0..=255).step_by(51) {
                for blue in (0..=255).step_by(51) {
                    let colour = BrandColor::of(red, green, blue);
                    assert!(
                        colour
                            .legible_on(&[BrandColor::WHITE], BrandColor::BLACK)
                            .contrast(BrandColor::WHITE)
                            >= LEGIBLE
                    );
                    let night = BrandColor::of(0x16, 0x1b, 0x22);
                    assert!(colour.legible_on(&[night], BrandColor::WHITE).contrast(night) >= LEGIBLE);
                }
            }
        }
    }
}
