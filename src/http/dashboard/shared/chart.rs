//! A bar chart, rendered by the server as an SVG. Its bars are links, and a table contains the same data.

use askama::Template;

/// The height of a row, in pixels.
const ROW: usize = 44;
/// The width of the longest bar, in percent.
const FULL: i64 = 100;

pub(crate) struct Bar {
    pub label: String,
    pub claim: String,
    pub count: i64,
    pub href: String,
    /// In percent of the chart's width.
    pub width: i64,
    pub y: usize,
}

#[derive(Template)]
#[template(path = "dashboard/pages/chart.html")]
pub(crate) struct Chart {
    pub bars: Vec<Bar>,
    pub height: usize,
    /// The description for screen readers.
    pub described: String,
}

impl askama::filters::HtmlSafe for Chart {}

/// The value of a bar.
pub(crate) struct BarValue {
    pub label: String,
    pub claim: String,
    pub count: i64,
    pub href: String,
}

impl Chart {
    pub(crate) fn of(counted: Vec<BarValue>) -> Self {
        let most = counted.iter().map(|one| one.count).max().unwrap_or_default().max(1);
        let described = match (counted.iter().max_by_key(|one| one.count), counted.len()) {
            (Some(first), number) => format!("{number} checks fail; most often {}, for {}.", first.label, tenants(first.count)),
            (None, _) => "No checks are failing.".to_owned(),
        };
        let bars = counted.into_iter().enumerate().map(|(at, one)| Bar {
            width: (one.count * FULL / most).max(1),
            y: at * ROW,
            label: one.label,
            claim: one.claim,
            count: one.count,
            href: one.href,
        });
        let bars: Vec<Bar> = bars.collect();
        Self {
            height: bars.len() * ROW,
            bars,
            described,
        }
    }
}

/// A number of tenants, in words.
pub(crate) fn tenants(count: i64) -> String {
    format!("{count} tenant{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_is_full_and_zero_has_no_bar() {
        let counted = [("a", 1000), ("b", 250), ("c", 1)].map(|(label, count)| BarValue {
            label: label.into(),
            claim: String::new(),
            count,
            href: format!("/tenants?failing_check={label}"),
        });
        let chart = Chart::of(counted.into());
        assert_eq!(chart.bars.iter().map(|bar| bar.width).collect::<Vec<_>>(), [100, 25, 1]);
        assert_eq!(chart.described, "3 checks fail; most often a, for 1000 tenants.");
        let html = chart.render().unwrap();
        assert!(html.contains("<title id=\"chart-title\">") && html.contains("<table"), "{html}");
        assert!(!html.contains("style="), "{html}");
    }
}
