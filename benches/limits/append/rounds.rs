//! Rounds: what is to be compared runs in turn, A B A B ..., so that whatever
//! the machine does besides meets all of it; medians are quoted, and ratios
//! are taken round by round.

/// What some subjects reached in each round.
pub(crate) struct Rounds {
    names: Vec<String>,
    figures: Vec<Vec<f64>>,
}

/// One thing to measure: its name, and a run of it that tells its rate.
pub(crate) type Subject<'a> = (&'a str, Box<dyn FnMut() -> f64 + 'a>);

impl Rounds {
    /// Runs each subject once a round.
    pub(crate) fn run(rounds: usize, mut subjects: Vec<Subject<'_>>) -> Self {
        let mut figures = vec![Vec::new(); subjects.len()];
        for _ in 0..rounds.max(1) {
            for ((_, run), figures) in subjects.iter_mut().zip(&mut figures) {
                figures.push(run());
            }
        }
        Rounds {
            names: subjects.iter().map(|(name, _)| (*name).into()).collect(),
            figures,
        }
    }

    /// The ratios of one subject to another, round by round: the least, the
    /// median and the greatest.
    pub(crate) fn ratio(&self, subject: usize, other: usize) -> (f64, f64, f64) {
        let pairs = self.figures[subject].iter().zip(&self.figures[other]);
        spread(pairs.map(|(own, other)| own / other).collect())
    }

    /// Prints each subject's rates, and its ratio to the last one.
    pub(crate) fn print(&self, title: &str, goal: &str) {
        println!("\n{title}   (goal: {goal})");
        let last = self.names.len() - 1;
        for (subject, name) in self.names.iter().enumerate() {
            let (low, median, high) = spread(self.figures[subject].clone());
            print!(
                "  {name:<44} {:>12}/s  ({} .. {})",
                rate(median),
                rate(low),
                rate(high)
            );
            if subject == last {
                println!();
                continue;
            }
            let (low, median, high) = self.ratio(subject, last);
            println!("  {median:.3} of the last ({low:.3} .. {high:.3})");
        }
    }
}

/// The least, the median and the greatest.
fn spread(mut figures: Vec<f64>) -> (f64, f64, f64) {
    figures.sort_by(f64::total_cmp);
    let last = figures.len() - 1;
    (figures[0], figures[last / 2], figures[last])
}

/// A rate with three or four digits that count.
fn rate(figure: f64) -> String {
    match figure {
        figure if figure >= 1e6 => format!("{:.2}M", figure / 1e6),
        figure if figure >= 1e4 => format!("{:.1}k", figure / 1e3),
        figure => format!("{figure:.0}"),
    }
}
