//! The style sheet of the vendor's brand color. If text on it would be illegible, it uses the nearest legible color.

use super::brand_color::BrandColor;
use crate::settings::RgbColor;

const OWN: BrandColor = BrandColor::of(0x1f, 0x5f, 0xbf);
/// The backgrounds of `site.css` in light and dark mode.
const DAY: [BrandColor; 2] = [BrandColor::WHITE, BrandColor::of(0xf4, 0xf6, 0xf9)];
const NIGHT: [BrandColor; 2] = [BrandColor::of(0x10, 0x14, 0x1b), BrandColor::of(0x1a, 0x20, 0x2a)];

pub(crate) fn style(vendor: Option<RgbColor>) -> String {
    let color = vendor.map_or(OWN, |RgbColor([red, green, blue])| BrandColor::of(red, green, blue));
    let day = color.legible_on(&DAY, BrandColor::BLACK);
    let night = color.legible_on(&NIGHT, BrandColor::WHITE);
    format!(
        ":root {{ --accent: {day}; --on-accent: {}; }}\n\
         @media (prefers-color-scheme: dark) {{ :root {{ --accent: {night}; --on-accent: {}; }} }}\n",
        DAY[0], NIGHT[0]
    )
}
