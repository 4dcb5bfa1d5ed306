//! What is done in which order. Rounds are interleaved (A B C ... A B C ...), so
//! that whatever else the machine does hits all alike.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::bench::Bench;
use crate::child;
use crate::limits::{self, Limits};
use crate::measure::{Figures, Measure};
use crate::store::{Durability, Rival};
use crate::stores;
use crate::workload::Workload;

pub struct Plan {
    pub events: usize,
    pub log: Option<PathBuf>,
    pub rounds: u64,
    pub seconds: f64,
    pub only: Vec<String>,
    pub directory: PathBuf,
}

/// All that the report tells.
pub struct Outcome {
    pub figures: Figures,
    /// Stores that failed, and how: their figures from before stand.
    pub failed: Vec<(&'static str, String)>,
    pub rivals: Vec<Rival>,
    pub workload: String,
    pub given: u64,
    pub rounds: u64,
    pub seconds: f64,
    pub sync_p50: Duration,
    pub sync_p99: Duration,
    pub refused: Option<String>,
    pub took: Duration,
}

/// The row of the raw loops.
pub const LIMITS: &str = "raw loops (limits)";
/// Being killed and opened again takes long for some.
const KILLS: u64 = 3;

impl Plan {
    pub fn run(&self) -> Result<Outcome> {
        let began = Instant::now();
        std::fs::create_dir_all(&self.directory)?;
        let directory = self.directory.join(format!("run-{}", std::process::id()));
        std::fs::create_dir(&directory)
            .with_context(|| format!("create {}", directory.display()))?;
        let outcome = self.run_in(&directory, began);
        std::fs::remove_dir_all(&directory)?;
        outcome
    }

    fn run_in(&self, directory: &Path, began: Instant) -> Result<Outcome> {
        let mut limits = Limits::prepare(directory)?;
        println!("fdatasync of 300 bytes in place: p50 {:?}", limits.sync_p50);
        if let Some(reason) = &limits.refused {
            println!("no durable figures: {reason}");
        }
        let workload = match &self.log {
            Some(path) => Workload::from_log(path, self.events)?,
            None => Workload::made_up(self.events)?,
        };
        let rivals: Vec<_> = stores::all()
            .into_iter()
            .filter(|rival| self.wants(rival))
            .collect();
        ensure!(!rivals.is_empty(), "no store has such a name");
        let mut figures = Figures::default();
        let failed = self.measure(directory, &workload, &rivals, &mut limits, &mut figures)?;
        Ok(Outcome {
            figures,
            failed,
            workload: workload.name.clone(),
            given: workload.given(),
            rounds: self.rounds,
            seconds: self.seconds,
            sync_p50: limits.sync_p50,
            sync_p99: limits.sync_p99,
            refused: limits.refused.clone(),
            took: began.elapsed(),
            rivals,
        })
    }

    fn wants(&self, rival: &Rival) -> bool {
        self.only.is_empty()
            || self
                .only
                .iter()
                .any(|part| rival.name.contains(part.as_str()))
    }

    /// Gives what failed.
    fn measure(
        &self,
        directory: &Path,
        workload: &Workload,
        rivals: &[Rival],
        limits: &mut Limits,
        figures: &mut Figures,
    ) -> Result<Vec<(&'static str, String)>> {
        let (sums, strict) = (workload.sums(), workload.strict());
        let mut benches: Vec<_> = rivals
            .iter()
            .map(|rival| Bench::new(rival, workload, &sums, directory))
            .collect();
        for bench in &mut benches {
            let began = Instant::now();
            attempt(bench, "load", |bench| {
                bench.load(&strict)?;
                bench.room(figures)
            });
            eprintln!("loaded {} in {:.1?}", bench.rival.name, began.elapsed());
        }
        self.open(&mut benches, figures);
        for bench in &mut benches {
            attempt(bench, "open", Bench::open);
        }
        self.read(&mut benches, workload, figures);
        self.read_while_writing(&mut benches, figures);
        self.append_durably(&mut benches, limits, figures)?;
        self.append_written(&mut benches, limits, figures)?;
        for bench in &mut benches {
            attempt(bench, "close", Bench::close);
        }
        self.kill(&mut benches, figures);
        let failed = benches
            .into_iter()
            .filter_map(|bench| Some((bench.rival.name, bench.failed?)));
        Ok(failed.collect())
    }

    fn time(&self, part: f64) -> Duration {
        Duration::from_secs_f64(self.seconds * part)
    }

    fn open(&self, benches: &mut [Bench<'_>], figures: &mut Figures) {
        for round in 0..self.rounds {
            eprintln!("open: round {}", round + 1);
            for bench in &mut *benches {
                attempt(bench, "open", |bench| {
                    let opened = child::opened(bench.rival, bench.path(), round == 0)?;
                    let name = bench.rival.name;
                    figures.add(name, Measure::OpenClean, opened.milliseconds);
                    figures.add(name, Measure::MemoryOpen, opened.memory_open);
                    if let Some(memory) = opened.memory_read {
                        figures.add(name, Measure::MemoryRead, memory);
                    }
                    opened
                        .events
                        .map_or(Ok(()), |events| bench.check_count(events))
                });
            }
        }
    }

    fn read(&self, benches: &mut [Bench<'_>], workload: &Workload, figures: &mut Figures) {
        let time = self.time(0.3);
        for round in 0..self.rounds {
            eprintln!("read: round {}", round + 1);
            let limit = limits::pass(workload.bytes(), workload.len());
            figures.add(LIMITS, Measure::Everything, limit);
            for bench in benches.iter_mut().filter(|bench| bench.rival.can.all) {
                figure(figures, bench, Measure::Everything, |bench| {
                    bench.everything()
                });
            }
            for bench in benches.iter_mut().filter(|bench| bench.rival.can.streams) {
                figure(figures, bench, Measure::Zipf, |bench| {
                    bench.streams(true, round, time)
                });
            }
            for bench in benches.iter_mut().filter(|bench| bench.rival.can.streams) {
                figure(figures, bench, Measure::Uniform, |bench| {
                    bench.streams(false, round, time)
                });
            }
            for bench in benches.iter_mut().filter(|bench| bench.rival.can.one) {
                figure(figures, bench, Measure::One, |bench| bench.one(round, time));
            }
        }
    }

    fn read_while_writing(&self, benches: &mut [Bench<'_>], figures: &mut Figures) {
        for round in 0..self.rounds {
            eprintln!("read while writing: round {}", round + 1);
            for bench in benches.iter_mut().filter(|bench| bench.rival.can.streams) {
                attempt(bench, "read while writing", |bench| {
                    let (read, written) = bench.beside(self.time(0.3))?;
                    figures.add(bench.rival.name, Measure::ReadBeside, read);
                    figures.add(bench.rival.name, Measure::WriteBeside, written);
                    Ok(())
                });
            }
        }
    }

    fn append_durably(
        &self,
        benches: &mut [Bench<'_>],
        limits: &mut Limits,
        figures: &mut Figures,
    ) -> Result<()> {
        let kinds = [
            (Measure::Durable1, 1, false),
            (Measure::Durable8, 8, false),
            (Measure::Durable64, 64, false),
            (Measure::DurableBatch, 1, true),
        ];
        let rounds = if limits.refused.is_some() {
            0
        } else {
            self.rounds
        };
        for round in 0..rounds {
            eprintln!("durable appends: round {}", round + 1);
            for (measure, threads, batch) in kinds {
                let together = if batch { 100 } else { threads };
                figures.add(
                    LIMITS,
                    measure,
                    limits.writes(together, true, self.time(0.5))?,
                );
                for bench in benches.iter_mut().filter(|bench| bench.rival.can.durable) {
                    figure(figures, bench, measure, |bench| {
                        bench.append(threads, batch, Durability::Durable, self.time(1.0))
                    });
                }
            }
        }
        Ok(())
    }

    fn append_written(
        &self,
        benches: &mut [Bench<'_>],
        limits: &mut Limits,
        figures: &mut Figures,
    ) -> Result<()> {
        for round in 0..self.rounds {
            eprintln!("written appends: round {}", round + 1);
            for (measure, batch) in [(Measure::Written, false), (Measure::WrittenBatch, true)] {
                let together = if batch { 100 } else { 1 };
                figures.add(
                    LIMITS,
                    measure,
                    limits.writes(together, false, self.time(0.3))?,
                );
                for bench in benches.iter_mut().filter(|bench| bench.rival.can.written) {
                    figure(figures, bench, measure, |bench| {
                        bench.append(1, batch, Durability::Written, self.time(0.3))
                    });
                }
            }
        }
        Ok(())
    }

    /// At first all that was appended is counted; then more is, by a process that
    /// is killed, and the store opened again.
    fn kill(&self, benches: &mut [Bench<'_>], figures: &mut Figures) {
        for bench in &mut *benches {
            attempt(bench, "count what was appended", |bench| {
                let opened = child::opened(bench.rival, bench.path(), true)?;
                opened
                    .events
                    .map_or(Ok(()), |events| bench.check_count(events))
            });
        }
        let events = (self.events / 20).max(1_000) as u32;
        for round in 0..self.rounds.min(KILLS) {
            eprintln!("kill -9: round {}", round + 1);
            for bench in &mut *benches {
                figure(figures, bench, Measure::OpenKilled, |bench| {
                    child::killed(bench.rival, bench.path(), events)?;
                    Ok(child::opened(bench.rival, bench.path(), false)?.milliseconds)
                });
            }
        }
    }
}

/// Does it, if the store has not failed before; a store that fails is left alone
/// from then on, and the others go on.
fn attempt<'a>(bench: &mut Bench<'a>, what: &str, work: impl FnOnce(&mut Bench<'a>) -> Result<()>) {
    if bench.failed.is_some() {
        return;
    }
    if let Err(error) = work(bench) {
        let reason = format!("{what}: {error:#}");
        eprintln!("{} failed: {reason}", bench.rival.name);
        bench.failed = Some(reason);
    }
}

/// The same for one figure.
fn figure<'a>(
    figures: &mut Figures,
    bench: &mut Bench<'a>,
    measure: Measure,
    work: impl FnOnce(&mut Bench<'a>) -> Result<f64>,
) {
    attempt(bench, measure.title(), |bench| {
        let value = work(bench)?;
        figures.add(bench.rival.name, measure, value);
        Ok(())
    });
}
