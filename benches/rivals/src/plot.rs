//! Bars, as SVG: a row for each store, a column for each measure.

use std::fmt::Write;

use crate::measure::{Measure, Spread};
use crate::plan::{LIMITS, Outcome};

const LABEL: f64 = 150.0;
const COLUMN: f64 = 230.0;
/// The longest bar; what is left of the column is for its figure.
const BAR: f64 = 150.0;
const ROW: f64 = 22.0;
const TOP: f64 = 64.0;

/// One picture for one table. The thin line shows the least and the most.
pub fn bars(outcome: &Outcome, names: &[&str], title: &str, measures: &[Measure]) -> String {
    let spread = |name: &str, measure| outcome.figures.get(name, measure);
    let rows: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| {
            measures
                .iter()
                .any(|&measure| spread(name, measure).is_some())
        })
        .collect();
    let width = LABEL + COLUMN * measures.len() as f64;
    let height = TOP + ROW * rows.len() as f64 + 12.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"12\" y=\"24\" font-size=\"16\" font-weight=\"bold\" fill=\"#222222\">{title}</text>\n"
    );
    for (row, name) in rows.iter().enumerate() {
        let (y, weight) = (
            middle(row),
            if *name == "annals" { "bold" } else { "normal" },
        );
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{y}\" text-anchor=\"end\" dominant-baseline=\"central\" \
             font-weight=\"{weight}\" fill=\"#222222\">{name}</text>",
            LABEL - 8.0
        );
    }
    for (column, &measure) in measures.iter().enumerate() {
        let x = LABEL + COLUMN * column as f64;
        let more = if measure.more_is_better() {
            ""
        } else {
            " (less is better)"
        };
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{}\" fill=\"#555555\" font-size=\"11\">{}{more}</text>",
            TOP - 10.0,
            measure.title()
        );
        let all = rows.iter().filter_map(|name| spread(name, measure));
        let most = all
            .map(|spread| spread.most)
            .fold(f64::MIN_POSITIVE, f64::max);
        for (row, name) in rows.iter().enumerate() {
            if let Some(spread) = spread(name, measure) {
                bar(&mut svg, x, middle(row), name, measure, spread, BAR / most);
            }
        }
    }
    svg + "</svg>\n"
}

fn middle(row: usize) -> f64 {
    TOP + ROW * row as f64 + ROW / 2.0
}

fn bar(svg: &mut String, x: f64, y: f64, name: &str, measure: Measure, spread: Spread, scale: f64) {
    let fill = match name {
        "annals" => "#d9480f",
        LIMITS => "#adb5bd",
        _ => "#4c78a8",
    };
    let (length, least, most) = (
        spread.median * scale,
        spread.least * scale,
        spread.most * scale,
    );
    let _ = writeln!(
        svg,
        "<rect x=\"{x}\" y=\"{}\" width=\"{:.1}\" height=\"14\" fill=\"{fill}\"/>",
        y - 7.0,
        length.max(1.0)
    );
    let _ = writeln!(
        svg,
        "<line x1=\"{:.1}\" y1=\"{y}\" x2=\"{:.1}\" y2=\"{y}\" stroke=\"#222222\"/>",
        x + least,
        x + most
    );
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{y}\" dominant-baseline=\"central\" fill=\"#222222\">{}</text>",
        x + most + 5.0,
        measure.show(spread.median)
    );
}
