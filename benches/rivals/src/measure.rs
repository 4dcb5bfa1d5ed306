//! What is measured, and the figures.

use std::collections::BTreeMap;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Measure {
    Durable1,
    Durable8,
    Durable64,
    DurableBatch,
    Written,
    WrittenBatch,
    Zipf,
    Uniform,
    Everything,
    One,
    ReadBeside,
    WriteBeside,
    OpenClean,
    OpenKilled,
    Bytes,
    Allocated,
    MemoryOpen,
    MemoryRead,
}

use Measure::*;

/// The tables of the page: a title, and its columns.
pub const TABLES: [(&str, &[Measure]); 4] = [
    (
        "Durable appends, events a second",
        &[Durable1, Durable8, Durable64, DurableBatch],
    ),
    (
        "Appends that are not synced, events a second",
        &[Written, WrittenBatch, WriteBeside],
    ),
    (
        "Reads, events a second",
        &[Zipf, Uniform, Everything, One, ReadBeside],
    ),
    (
        "Opening, room and memory",
        &[
            OpenClean, OpenKilled, Bytes, Allocated, MemoryOpen, MemoryRead,
        ],
    ),
];

impl Measure {
    pub fn title(self) -> &'static str {
        match self {
            Durable1 => "1 thread",
            Durable8 => "8 threads",
            Durable64 => "64 threads",
            DurableBatch => "1 thread, batches of 100",
            Written => "one at a time",
            WrittenBatch => "batches of 100",
            Zipf => "one stream, Zipf choice",
            Uniform => "one stream, uniform choice",
            Everything => "everything",
            One => "one event",
            ReadBeside => "one stream, while another thread writes",
            WriteBeside => "one at a time, while another thread reads",
            OpenClean => "open after a close, ms",
            OpenKilled => "open after kill -9, ms",
            Bytes => "bytes / given",
            Allocated => "allocated / given",
            MemoryOpen => "memory after open, MiB",
            MemoryRead => "memory after reading all, MiB",
        }
    }

    pub fn more_is_better(self) -> bool {
        self < OpenClean
    }

    /// As short as it can be said without loss that matters.
    pub fn show(self, value: f64) -> String {
        match self {
            Bytes | Allocated => format!("{value:.2}"),
            OpenClean | OpenKilled | MemoryOpen | MemoryRead if value < 10.0 => {
                format!("{value:.1}")
            }
            OpenClean | OpenKilled | MemoryOpen | MemoryRead => format!("{value:.0}"),
            _ if value < 1e3 => format!("{value:.0}"),
            _ if value < 1e4 => format!("{:.1}k", value / 1e3),
            _ if value < 1e6 => format!("{:.0}k", value / 1e3),
            _ => format!("{:.2}M", value / 1e6),
        }
    }
}

/// Median, least and most.
#[derive(Clone, Copy)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

/// All figures: for each store and measure one of each round.
#[derive(Default)]
pub struct Figures(BTreeMap<(String, Measure), Vec<f64>>);

impl Figures {
    pub fn add(&mut self, store: &str, measure: Measure, value: f64) {
        self.0
            .entry((store.to_owned(), measure))
            .or_default()
            .push(value);
    }

    pub fn get(&self, store: &str, measure: Measure) -> Option<Spread> {
        let mut values = self.0.get(&(store.to_owned(), measure))?.clone();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            1 => values[middle],
            _ => f64::midpoint(values[middle - 1], values[middle]),
        };
        Some(Spread {
            median,
            least: values[0],
            most: values[values.len() - 1],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_that_of_sorted_figures() {
        let mut figures = Figures::default();
        for value in [9.0, 1.0, 5.0] {
            figures.add("a", Measure::One, value);
        }
        let spread = figures.get("a", Measure::One).unwrap();
        assert_eq!((spread.least, spread.median, spread.most), (1.0, 5.0, 9.0));
        figures.add("a", Measure::One, 7.0);
        assert_eq!(figures.get("a", Measure::One).unwrap().median, 6.0);
        assert!(figures.get("b", Measure::One).is_none());
    }
}
