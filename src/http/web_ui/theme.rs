//! The vendor's colour as a stylesheet: as it is where text on it can be read, or else as near to it as that allows.

use crate::domain::colour::BrandColor;
use crate::settings::RgbColor;

const OWN: BrandColor = BrandColor::of(0x1f, 0x5f, 0xbf);
/// The backgrounds of `site.css`, by day and by night.
const DAY: [BrandColor; 2] = [BrandColor::WHITE, BrandColor::of(0xf4, 0xf6, 0xf9)];
const NIGHT: [BrandColor; 2] = [BrandColor::of(0x10, 0x14, 0x1b), BrandColor::of(0x1a, 0x20, 0x2a)];

pub fn style(vendor: Option<RgbColor>) -> String {
    let colour = vendor.map_or(OWN, |RgbColor([red, green, blue])| BrandColor::of(red, green, blue));
    let day = colour.legible_on(&DAY, BrandColor::BLACK);
    let night = colour.legible_on(&NIGHT, BrandColor::WHITE);
    format!(
        ":root {{ --accent: {day}; --on-accent: {}; }}\n\
         @media (prefers-color-scheme: dark) {{ :root {{ --accent: {night}; --on-accent: {}; }} }}\n",
        DAY[0], NIGHT[0]
    )
}
