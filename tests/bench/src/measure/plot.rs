//! The ratios as a picture.

use std::fmt::Write as _;

use super::goals::{Bound, Result};
use super::table::shown;

const LEFT: f64 = 330.0;
const WIDTH: f64 = 520.0;
const LINE: f64 = 24.0;
const TOP: f64 = 56.0;
/// Decades that are shown: from 0.001 to 1 000.
const DECADES: std::ops::RangeInclusive<i32> = -3..=2;

/// A dot at the median, a line over the spread and a bar at the goal, on a logarithmic axis: green where
/// the goal is reached.
pub(super) fn svg(results: &[Result]) -> String {
    let ratios: Vec<&Result> = results.iter().filter(|result| result.is_ratio).collect();
    let lines = f64::from(u32::try_from(ratios.len()).unwrap_or_default());
    let (width, bottom) = (LEFT + WIDTH + 80.0, TOP + lines * LINE);
    let height = bottom + 12.0;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
        <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n\
        <text x=\"8\" y=\"18\" font-size=\"14\">kubectl daap as a ratio of what stands beside it (dot: median, line: spread, bar: goal)</text>\n"
    );
    for decade in DECADES {
        let ratio = 10_f64.powi(decade);
        let x = at(ratio);
        let colour = if decade == 0 { "#888" } else { "#ddd" };
        let _ = writeln!(
            text,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{bottom}\" stroke=\"{colour}\"/>\
            <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#666\">× {ratio}</text>",
            TOP - 8.0,
            TOP - 14.0
        );
    }
    for (result, number) in ratios.iter().zip(0_u32..) {
        line(&mut text, result, TOP + (f64::from(number) + 0.5) * LINE);
    }
    text.push_str("</svg>\n");
    text
}

fn line(text: &mut String, result: &Result, y: f64) {
    let colour = if result.is_reached() {
        "#1a7f37"
    } else {
        "#cf222e"
    };
    let (goal, points) = match result.bound {
        Bound::AtLeast(goal) => (at(goal), 5.0),
        Bound::AtMost(goal) => (at(goal), -5.0),
    };
    let spread = result.spread;
    let (from, to, median) = (at(spread.min), at(spread.max), at(spread.median));
    let what = escaped(&result.what.replace('`', ""));
    let _ = writeln!(
        text,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{what}</text>\
        <path d=\"M{goal:.1} {}v16m0 -8h{points}\" stroke=\"#555\" fill=\"none\"/>\
        <line x1=\"{from:.1}\" x2=\"{to:.1}\" y1=\"{y}\" y2=\"{y}\" stroke=\"{colour}\" stroke-width=\"3\"/>\
        <circle cx=\"{median:.1}\" cy=\"{y}\" r=\"4\" fill=\"{colour}\"/>\
        <text x=\"{}\" y=\"{}\" fill=\"{colour}\">{}</text>",
        LEFT - 12.0,
        y + 4.0,
        y - 8.0,
        LEFT + WIDTH + 12.0,
        y + 4.0,
        shown(spread.median)
    );
}

/// Where a ratio stands.
fn at(ratio: f64) -> f64 {
    let (first, last) = (f64::from(*DECADES.start()), f64::from(*DECADES.end()));
    let decades = ratio.max(f64::MIN_POSITIVE).log10().clamp(first, last);
    LEFT + (decades - first) / (last - first) * WIDTH
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
