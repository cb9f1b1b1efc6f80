//! The vendor's colour as a stylesheet: as it is where text on it can be read, or else as near to it as that allows.

use crate::domain::colour::Colour;

const OWN: Colour = Colour::of(0x1f, 0x5f, 0xbf);
/// The backgrounds of `site.css`, by day and by night.
const DAY: [Colour; 2] = [Colour::WHITE, Colour::of(0xf4, 0xf6, 0xf9)];
const NIGHT: [Colour; 2] = [Colour::of(0x10, 0x14, 0x1b), Colour::of(0x1a, 0x20, 0x2a)];

pub fn style(vendor: Option<Colour>) -> String {
    let colour = vendor.unwrap_or(OWN);
    let day = colour.legible_on(&DAY, Colour::BLACK);
    let night = colour.legible_on(&NIGHT, Colour::WHITE);
    format!(
        ":root {{ --accent: {day}; --on-accent: {}; }}\n\
         @media (prefers-color-scheme: dark) {{ :root {{ --accent: {night}; --on-accent: {}; }} }}\n",
        DAY[0], NIGHT[0]
    )
}
