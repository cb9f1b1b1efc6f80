//! The vendor's brand color, adjusted so that text on it stays legible.

use std::fmt;

/// Red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BrandColor([u8; 3]);

/// The minimum contrast between text and its background: WCAG 2.2, level AA.
/// <https://www.w3.org/TR/WCAG22/#contrast-minimum>
const LEGIBLE: f64 = 4.5;

impl fmt::Display for BrandColor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", hex::encode(self.0))
    }
}

impl BrandColor {
    pub(crate) const WHITE: Self = Self([255; 3]);
    pub(crate) const BLACK: Self = Self([0; 3]);

    pub(crate) const fn of(red: u8, green: u8, blue: u8) -> Self {
        Self([red, green, blue])
    }

    /// From 1 to 21.
    pub(crate) fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// This color, mixed with `towards` just enough to be legible on all of these backgrounds.
    #[must_use]
    pub(crate) fn legible_on(self, backgrounds: &[Self], towards: Self) -> Self {
        (0..=20)
            .map(|step| self.mixed(towards, f64::from(step) / 20.0))
            .find(|color| backgrounds.iter().all(|background| color.contrast(*background) >= LEGIBLE))
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
    fn contrast_follows_wcag() {
        assert!((BrandColor::BLACK.contrast(BrandColor::WHITE) - 21.0).abs() < 0.001);
        assert!((BrandColor::of(0x76, 0x76, 0x76).contrast(BrandColor::WHITE) - 4.54).abs() < 0.01);
    }

    #[test]
    fn any_color_becomes_legible() {
        for red in (0..=255).step_by(51) {
            for green in (0..=255).step_by(51) {
                for blue in (0..=255).step_by(51) {
                    let color = BrandColor::of(red, green, blue);
                    assert!(
                        color
                            .legible_on(&[BrandColor::WHITE], BrandColor::BLACK)
                            .contrast(BrandColor::WHITE)
                            >= LEGIBLE
                    );
                    let night = BrandColor::of(0x16, 0x1b, 0x22);
                    assert!(color.legible_on(&[night], BrandColor::WHITE).contrast(night) >= LEGIBLE);
                }
            }
        }
    }
}
