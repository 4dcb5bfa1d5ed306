//! Candidates whose places are on their way from the medium.

use super::file::LastPlace;
use super::parts::Part;
use super::search::Candidate;
use crate::error::Result;
use crate::types::Position;
use std::collections::VecDeque;

/// Runs of candidates, the next one first.
#[derive(Debug, Default)]
pub(super) struct Coming {
    runs: VecDeque<Run>,
    /// How many of the runs, from the next one on, have been asked about.
    asked: usize,
}

/// Candidates of one part, as places in its range.
#[derive(Debug)]
pub(super) struct Run {
    part: Part,
    places: Vec<u32>,
}

impl Coming {
    /// How many candidates there are.
    pub(super) fn count(&self) -> usize {
        self.runs.iter().map(|run| run.places.len()).sum()
    }

    /// Adds candidates of a part, and asks for what says where in the part their
    /// places are.
    pub(super) fn add(&mut self, part: &Part, places: Vec<u32>) {
        if let Part::File(file) = part {
            file.ask_for_place_heads(&places);
        }
        self.runs.push_back(Run {
            part: part.clone(),
            places,
        });
    }

    /// Asks for the places of the next `count` candidates, and of those in the same
    /// run.
    pub(super) fn ask_for_places(&mut self, count: usize) {
        let mut before = 0;
        for (index, run) in self.runs.iter().enumerate() {
            if before >= count {
                break;
            }
            before += run.places.len();
            if index >= self.asked {
                self.asked = index + 1;
                if let Part::File(file) = &run.part {
                    file.ask_for_places(&run.places);
                }
            }
        }
    }

    pub(super) fn next(&mut self) -> Option<Run> {
        self.asked = self.asked.saturating_sub(1);
        self.runs.pop_front()
    }
}

impl Run {
    /// Appends the candidates with their places.
    pub(super) fn locate(self, out: &mut Vec<Candidate>) -> Result<Option<Position>> {
        self.part
            .locate(&self.places, &mut LastPlace::default(), out)
    }
}
