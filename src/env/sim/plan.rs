//! Which of what is not durable survives a loss of power.

use super::random::Rng;

/// Something about which a loss of power decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// What it is.
    pub kind: UnitKind,
    /// How many new versions of it there are: 1 to 4.
    pub versions: u8,
    /// How many bytes of a new version can arrive before it is whole; 0 or 1
    /// for what arrives whole or not at all.
    pub length: u32,
}

/// What it is that survives or doesn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnitKind {
    /// A name created, renamed or removed.
    Name,
    /// A file emptied by opening it to create it.
    Emptied,
    /// The new size of a file.
    Size,
    /// A sector of a file.
    Sector,
    /// The words of a board.
    Board,
}

impl Unit {
    pub(super) fn new(kind: UnitKind, versions: usize, length: u64) -> Self {
        Unit {
            kind,
            versions: versions as u8,
            length: u32::try_from(length).unwrap_or(u32::MAX),
        }
    }
}

/// What became of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Choice {
    /// Nothing of it arrived: it is what it durably was.
    Lost,
    /// A new version arrived: 0 is the newest, 1 the one before it, at most
    /// the oldest.
    Kept(u8),
    /// The first bytes of a version arrived. A size is so much larger than
    /// before; a board is garbage that this number stands for; what can only
    /// arrive whole arrived.
    Torn(u8, u32),
}

/// A choice for every unit, from a seed.
///
/// A plan has a flavour, because independent coins alone would hardly ever
/// lose one sector of fifty, or keep just one.
#[derive(Clone, Debug)]
pub struct CrashPlan {
    seed: u64,
}

/// What a plan is like.
#[derive(Clone, Copy, Debug)]
enum Flavour {
    /// Each is kept with so many chances in 16.
    Coins(u64),
    /// What comes first is kept, what comes after is lost.
    Prefix(usize),
    /// All but one are kept.
    AllBut(usize),
    /// All but one are lost.
    Only(usize),
    /// Names and sizes are kept, data with so many chances in 16.
    Ahead(u64),
}

impl CrashPlan {
    /// The plan of a seed.
    pub fn new(seed: u64) -> Self {
        CrashPlan { seed }
    }

    /// The choices for these units, always the same for the same seed.
    pub fn choices(&self, units: &[Unit]) -> Vec<Choice> {
        let mut rng = Rng::new(self.seed);
        let one = rng.below(units.len() as u64) as usize;
        let flavour = match rng.below(8) {
            0 | 1 => Flavour::Coins(8),
            2 => Flavour::Coins(14),
            3 => Flavour::Coins(2),
            4 => Flavour::Prefix(one),
            5 => Flavour::AllBut(one),
            6 => Flavour::Only(one),
            _ => Flavour::Ahead(rng.below(16)),
        };
        let choose = |(index, unit): (usize, &Unit)| {
            let kept = flavour.keeps(index, unit.kind, &mut rng);
            choice(*unit, kept, index == one, &mut rng)
        };
        units.iter().enumerate().map(choose).collect()
    }
}

impl Flavour {
    fn keeps(self, index: usize, kind: UnitKind, rng: &mut Rng) -> bool {
        match self {
            Flavour::Coins(chances) => rng.below(16) < chances,
            Flavour::Prefix(end) => index < end,
            Flavour::AllBut(one) => index != one,
            Flavour::Only(one) => index == one,
            Flavour::Ahead(chances) => kind < UnitKind::Sector || rng.below(16) < chances,
        }
    }
}

/// What is kept is the newest version most of the time; what is lost, torn
/// some of the time, and most of the time at the place that a flavour is about.
fn choice(unit: Unit, kept: bool, special: bool, rng: &mut Rng) -> Choice {
    let back = match rng.below(8) {
        0 => rng.below(u64::from(unit.versions)) as u8,
        _ => 0,
    };
    let torn = unit.length > 1 && rng.below(8) < if special { 5 } else { 1 };
    match (kept, torn) {
        (true, _) => Choice::Kept(back),
        (false, true) => Choice::Torn(back, rng.below(u64::from(unit.length)) as u32),
        (false, false) => Choice::Lost,
    }
}

/// Every combination of lost and kept versions (none torn).
#[derive(Clone, Debug)]
pub struct Exhaust {
    versions: Vec<u8>,
    next: Option<Vec<u8>>,
}

impl Exhaust {
    /// The combinations for these units.
    pub fn new(units: &[Unit]) -> Self {
        Exhaust {
            versions: units.iter().map(|unit| unit.versions).collect(),
            next: Some(vec![0; units.len()]),
        }
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.versions.iter().fold(1, |total: u64, versions| {
            total.saturating_mul(u64::from(*versions) + 1)
        })
    }
}

impl Iterator for Exhaust {
    type Item = Vec<Choice>;

    fn next(&mut self) -> Option<Vec<Choice>> {
        let digits = self.next.take()?;
        let choices = digits.iter().map(|digit| match digit {
            0 => Choice::Lost,
            kept => Choice::Kept(kept - 1),
        });
        let choices = choices.collect();
        self.next = counted_up(digits, &self.versions);
        Some(choices)
    }
}

/// The next number whose digits are at most `most`, the first digit fastest.
fn counted_up(mut digits: Vec<u8>, most: &[u8]) -> Option<Vec<u8>> {
    for (digit, most) in digits.iter_mut().zip(most) {
        if *digit < *most {
            *digit += 1;
            return Some(digits);
        }
        *digit = 0;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn sectors(count: usize, versions: usize) -> Vec<Unit> {
        vec![Unit::new(UnitKind::Sector, versions, 512); count]
    }

    #[test]
    fn exhausting_gives_every_combination_once() {
        let units = sectors(3, 2);
        let all: Vec<String> = Exhaust::new(&units)
            .map(|choices| format!("{choices:?}"))
            .collect();
        let distinct: BTreeSet<_> = all.iter().collect();
        assert_eq!((all.len(), distinct.len()), (27, 27));
        assert_eq!(Exhaust::new(&units).total(), 27);
        assert_eq!(Exhaust::new(&[]).count(), 1);
    }

    #[test]
    fn a_seed_is_a_plan_and_plans_reach_every_kind_of_choice() {
        let units = sectors(20, 4);
        let mut seen = BTreeSet::new();
        for seed in 0..200 {
            let choices = CrashPlan::new(seed).choices(&units);
            assert_eq!(choices, CrashPlan::new(seed).choices(&units));
            let lost = choices.iter().filter(|one| **one == Choice::Lost).count();
            seen.insert(format!("lost {lost}"));
            for choice in choices {
                seen.insert(match choice {
                    Choice::Lost => "lost".into(),
                    Choice::Kept(back) => format!("kept {back}"),
                    Choice::Torn(..) => "torn".into(),
                });
            }
        }
        for expected in [
            "kept 0", "kept 1", "kept 2", "kept 3", "torn", "lost 0", "lost 1",
        ] {
            assert!(seen.contains(expected), "no plan has {expected}: {seen:?}");
        }
        assert!(CrashPlan::new(1).choices(&[]).is_empty());
    }
}
