//! One store under test: loading, checking, reading, appending.

use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::measure::{Figures, Measure};
use crate::store::{At, Durability, Event, Placed, Rival, Store, Sum};
use crate::workload::Workload;

const LOAD: usize = 1_000;
const BATCH: usize = 100;
/// Some appends are so fast that asking for the time would show.
const BETWEEN_LOOKS: usize = 16;

/// What a stream's writers know of it.
#[derive(Default)]
struct Head {
    version: AtomicU64,
    position: AtomicU64,
}

pub struct Bench<'a> {
    pub rival: &'a Rival,
    workload: &'a Workload,
    sums: &'a [Sum],
    path: PathBuf,
    store: Option<Box<dyn Store>>,
    heads: Vec<Head>,
    rounds: u64,
    appended: AtomicU64,
    /// Why nothing more is asked of this store.
    pub failed: Option<String>,
}

impl<'a> Bench<'a> {
    pub fn new(
        rival: &'a Rival,
        workload: &'a Workload,
        sums: &'a [Sum],
        directory: &Path,
    ) -> Self {
        let name: String = rival
            .name
            .chars()
            .map(|c| if c.is_alphanumeric() { c } else { '-' })
            .collect();
        let path = directory.join(name);
        let heads = workload
            .heads()
            .into_iter()
            .map(|(version, position)| Head {
                version: version.into(),
                position: position.into(),
            });
        Bench {
            rival,
            workload,
            sums,
            path,
            store: None,
            heads: heads.collect(),
            rounds: 0,
            appended: AtomicU64::new(0),
            failed: None,
        }
    }

    /// Loads the workload, syncs it, and checks that all of it is there.
    pub fn load(&mut self, strict: &Sum) -> Result<()> {
        self.open()?;
        let store = self.store()?;
        store.prepare(self.rival.can.least())?;
        for first in (0..self.workload.len()).step_by(LOAD) {
            let last = (first + LOAD).min(self.workload.len());
            let events: Vec<_> = (first..last).map(|index| self.placed(index)).collect();
            store.load(&events)?;
        }
        store.flush()?;
        self.check(strict)?;
        self.check_conflict()?;
        self.close()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn open(&mut self) -> Result<()> {
        self.store = Some((self.rival.open)(&self.path).context("open")?);
        Ok(())
    }

    pub fn close(&mut self) -> Result<()> {
        self.store.take().map_or(Ok(()), Store::close)
    }

    fn store(&self) -> Result<&dyn Store> {
        self.store.as_deref().context("the store is closed")
    }

    fn placed(&self, index: usize) -> Placed<'a> {
        let number = self.workload.stream(index);
        Placed {
            stream: &self.workload.streams[number as usize],
            number,
            version: self.workload.version(index),
            position: index as u64 + 1,
            event: self.workload.event(index),
        }
    }

    fn check(&self, strict: &Sum) -> Result<()> {
        if !self.rival.can.all {
            return Ok(());
        }
        let mut sum = Sum::strict();
        self.store()?.read_all(&mut sum)?;
        ensure!(
            sum == *strict,
            "{}: {sum:?} was read, {strict:?} written",
            self.rival.name
        );
        Ok(())
    }

    /// A writer that is one event behind must be told so.
    fn check_conflict(&self) -> Result<()> {
        if !self.rival.can.check {
            return Ok(());
        }
        let placed = self.placed(0);
        let head = &self.heads[placed.number as usize];
        let at = At {
            stream: placed.stream,
            number: placed.number,
            version: head.version.load(Ordering::Relaxed) - 1,
            position: head.position.load(Ordering::Relaxed) - 1,
        };
        let durability = self.rival.can.least();
        // Under an id of its own: annals would know the old one as a retry.
        let answer = self.store()?.append(at, &[self.fresh(0, 0, 0)], durability);
        ensure!(
            answer.is_err(),
            "{} took an append that was in conflict",
            self.rival.name
        );
        Ok(())
    }

    /// All that was loaded and appended since must be there.
    pub fn check_count(&self, found: u64) -> Result<()> {
        let wanted = self.workload.len() as u64 + self.appended.load(Ordering::Relaxed);
        ensure!(
            found == wanted,
            "{}: {found} events found, not {wanted}",
            self.rival.name
        );
        Ok(())
    }

    /// One round of appends by so many threads; gives events a second.
    pub fn append(
        &mut self,
        threads: usize,
        batch: bool,
        durability: Durability,
        time: Duration,
    ) -> Result<f64> {
        self.rounds += 1;
        self.store()?.prepare(durability)?;
        let barrier = Barrier::new(threads + 1);
        let (stop, bench) = (AtomicBool::new(false), &*self);
        let (events, taken) = std::thread::scope(|scope| {
            let work = (0..threads).map(|thread| {
                let (barrier, stop) = (&barrier, &stop);
                scope.spawn(move || {
                    barrier.wait();
                    bench.append_until(thread, threads, batch, durability, stop)
                })
            });
            let work: Vec<_> = work.collect();
            barrier.wait();
            let began = Instant::now();
            std::thread::sleep(time);
            stop.store(true, Ordering::Relaxed);
            let events = work
                .into_iter()
                .try_fold(0, |all, thread| match thread.join() {
                    Ok(events) => events.map(|events| all + events),
                    Err(_) => bail!("a thread panicked"),
                });
            (events, began.elapsed())
        });
        let events = events?;
        self.appended.fetch_add(events, Ordering::Relaxed);
        self.store()?.flush()?;
        Ok(events as f64 / taken.as_secs_f64())
    }

    /// Thread `thread` of `threads` has every stream whose number leaves that
    /// remainder to itself, so that nobody is ever refused.
    fn append_until(
        &self,
        thread: usize,
        threads: usize,
        batch: bool,
        durability: Durability,
        stop: &AtomicBool,
    ) -> Result<u64> {
        let (store, workload) = (self.store()?, self.workload);
        let look = if durability == Durability::Durable || batch {
            1
        } else {
            BETWEEN_LOOKS
        };
        let mut index = (self.rounds as usize * 7_919 + thread * 101) % workload.len();
        let (mut events, mut count) = (Vec::with_capacity(BATCH), 0);
        while !stop.load(Ordering::Relaxed) {
            for _ in 0..look {
                while workload.stream(index) as usize % threads != thread {
                    index = (index + 1) % workload.len();
                }
                let stream = workload.stream(index);
                events.clear();
                for _ in 0..if batch { BATCH } else { 1 } {
                    events.push(self.fresh(index, thread, count + events.len() as u64));
                    index = (index + 1) % workload.len();
                }
                self.append_one(store, stream, &events, durability)?;
                count += events.len() as u64;
            }
        }
        Ok(count)
    }

    /// The event at `index`, with an id that was not there before.
    fn fresh(&self, index: usize, thread: usize, count: u64) -> Event<'a> {
        let mut event = self.workload.event(index);
        let number = (self.rounds << 48) | ((thread as u64) << 40) | count;
        event.id[8..].copy_from_slice(&number.to_be_bytes());
        event
    }

    fn append_one(
        &self,
        store: &dyn Store,
        stream: u32,
        events: &[Event<'_>],
        durability: Durability,
    ) -> Result<()> {
        let head = &self.heads[stream as usize];
        let at = At {
            stream: &self.workload.streams[stream as usize],
            number: stream,
            version: head.version.load(Ordering::Relaxed),
            position: head.position.load(Ordering::Relaxed),
        };
        let position = store.append(at, events, durability)?;
        head.version
            .fetch_add(events.len() as u64, Ordering::Relaxed);
        head.position.store(position, Ordering::Relaxed);
        Ok(())
    }

    /// Everything, once.
    pub fn everything(&self) -> Result<f64> {
        let began = Instant::now();
        let mut sum = Sum::default();
        self.store()?.read_all(&mut sum)?;
        let rate = sum.events as f64 / began.elapsed().as_secs_f64();
        self.check_count(sum.events)?;
        Ok(rate)
    }

    /// Whole streams, chosen as events choose them (`zipf`) or each as likely.
    pub fn streams(&self, zipf: bool, round: u64, time: Duration) -> Result<f64> {
        let store = self.store()?;
        let mut rng = ChaCha8Rng::seed_from_u64(round);
        let (mut read, mut wanted) = (Sum::default(), Sum::default());
        let began = Instant::now();
        while began.elapsed() < time {
            let number = match zipf {
                true => self
                    .workload
                    .stream(rng.random_range(0..self.workload.len())),
                false => rng.random_range(0..self.workload.streams.len() as u32),
            };
            store.read_stream(&self.workload.streams[number as usize], number, &mut read)?;
            wanted.add(&self.sums[number as usize]);
        }
        let rate = read.events as f64 / began.elapsed().as_secs_f64();
        ensure!(
            read == wanted,
            "{}: {read:?} was read, not {wanted:?}",
            self.rival.name
        );
        Ok(rate)
    }

    /// Single events, each as likely.
    pub fn one(&self, round: u64, time: Duration) -> Result<f64> {
        let store = self.store()?;
        let mut rng = ChaCha8Rng::seed_from_u64(round);
        let (mut read, mut wanted) = (Sum::default(), Sum::default());
        let began = Instant::now();
        while began.elapsed() < time {
            let chosen: [usize; BETWEEN_LOOKS] =
                std::array::from_fn(|_| rng.random_range(0..self.workload.len()));
            for index in chosen {
                let placed = self.placed(index);
                store.read_one(placed, &mut read)?;
                wanted.touch_event(placed.version, &placed.event);
            }
        }
        let rate = read.events as f64 / began.elapsed().as_secs_f64();
        ensure!(
            read == wanted,
            "{}: {read:?} was read, not {wanted:?}",
            self.rival.name
        );
        Ok(rate)
    }

    /// One thread reads streams, one appends; gives what each reached.
    pub fn beside(&mut self, time: Duration) -> Result<(f64, f64)> {
        let durability = Durability::Written;
        self.rounds += 1;
        self.store()?.prepare(durability)?;
        let (stop, bench) = (AtomicBool::new(false), &*self);
        let (read, written, taken) = std::thread::scope(|scope| {
            let writer = scope.spawn(|| bench.append_until(0, 1, false, durability, &stop));
            let began = Instant::now();
            let read = bench.streams_beside(&|_| began.elapsed() >= time);
            stop.store(true, Ordering::Relaxed);
            (read, writer.join(), began.elapsed())
        });
        let written = written.ok().context("a thread panicked")??;
        self.appended.fetch_add(written, Ordering::Relaxed);
        self.store()?.flush()?;
        Ok((read?, written as f64 / taken.as_secs_f64()))
    }

    /// While somebody writes, streams are longer than they were: only the rate counts.
    fn streams_beside(&self, done: &dyn Fn(Instant) -> bool) -> Result<f64> {
        let store = self.store()?;
        let mut rng = ChaCha8Rng::seed_from_u64(self.rounds);
        let mut read = Sum::default();
        let began = Instant::now();
        while !done(began) {
            let number = rng.random_range(0..self.workload.streams.len() as u32);
            store.read_stream(&self.workload.streams[number as usize], number, &mut read)?;
        }
        Ok(read.events as f64 / began.elapsed().as_secs_f64())
    }

    /// Bytes in the store's directory over what it was given: up to the last byte
    /// of each file that isn't zero, and as the file system has them allocated.
    pub fn room(&self, figures: &mut Figures) -> Result<()> {
        let (bytes, allocated) = crate::room::of(&self.path)?;
        let given = self.workload.given() as f64;
        figures.add(self.rival.name, Measure::Bytes, bytes as f64 / given);
        figures.add(
            self.rival.name,
            Measure::Allocated,
            allocated as f64 / given,
        );
        Ok(())
    }
}
