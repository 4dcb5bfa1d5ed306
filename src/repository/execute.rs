//! Commands: load, decide, append, and once more if need be.

use super::{Loaded, Repository};
use crate::aggregate::Aggregate;
use crate::command::{CommandError, turn};
use crate::error::{ErrorKind, Result};
use crate::types::Position;
use std::fmt;

impl<A: Aggregate> Repository<A> {
    /// Does a command: loads the aggregate, lets `decide` say what happens (or
    /// that it refuses), and saves that. When something else happened to the
    /// aggregate meanwhile, it decides again on the new state, up to
    /// `with_attempts` times in all; so `decide` should do nothing but decide.
    ///
    /// Returns the aggregate as it is after the events. Deciding that nothing
    /// happens is fine: nothing is saved then.
    ///
    /// # Errors
    /// `Refused` with the error of `decide`; `Failed` with what loading or
    /// appending failed with, in the end.
    pub fn execute<D, I>(
        &self,
        id: impl fmt::Display,
        mut decide: impl FnMut(&A) -> Result<I, D>,
    ) -> Result<Loaded<A>, CommandError<D>>
    where
        I: IntoIterator<Item = A::Event>,
    {
        let mut loaded = self.load(id)?;
        let mut attempt = 1;
        let mut _turn = None;
        loop {
            let decided = decide(&loaded.state).map_err(CommandError::Refused)?;
            match self.save(&mut loaded, decided) {
                Err(error) if error.is_conflict() && attempt < self.recorder.attempts => {
                    attempt += 1;
                    _turn = _turn.or_else(|| turn(&loaded.stream));
                    self.refresh(&mut loaded)?;
                }
                outcome => return Ok(outcome.map(|()| loaded)?),
            }
        }
    }

    /// Does a command over two aggregates, of one kind or of two: `decide`
    /// says what happens to both, and that is saved in one atomic append.
    ///
    /// ```
    /// # use annals::{Aggregate, MemoryStore, Repository};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Default)]
    /// # struct Account { balance: i64 }
    /// # #[derive(Serialize, Deserialize)]
    /// # enum AccountEvent { Deposited(i64), Withdrawn(i64) }
    /// # impl Aggregate for Account {
    /// #   type Event = AccountEvent;
    /// #   const CATEGORY: &'static str = "accounts";
    /// #   fn apply(&mut self, event: &AccountEvent) {
    /// #     match event {
    /// #       AccountEvent::Deposited(amount) => self.balance += amount,
    /// #       AccountEvent::Withdrawn(amount) => self.balance -= amount,
    /// #     }
    /// #   }
    /// # }
    /// # let accounts = Repository::<Account>::new(std::sync::Arc::new(MemoryStore::new()));
    /// # accounts.execute("a", |_| Ok::<_, ()>([AccountEvent::Deposited(9)])).unwrap();
    /// let (a, b) = accounts.execute_with("a", &accounts, "b", |a, _| {
    ///     if a.balance < 5 {
    ///         return Err("overdraft");
    ///     }
    ///     Ok(([AccountEvent::Withdrawn(5)], [AccountEvent::Deposited(5)]))
    /// })
    /// # .map_err(|error| error.to_string())?;
    /// assert_eq!((a.balance, b.balance), (4, 5));
    /// # Ok::<(), String>(())
    /// ```
    ///
    /// # Errors
    /// As `execute`; `InvalidAppend` if both are the same aggregate, or the
    /// repositories are not on the same store.
    pub fn execute_with<B: Aggregate, D, I, J>(
        &self,
        id: impl fmt::Display,
        other: &Repository<B>,
        other_id: impl fmt::Display,
        mut decide: impl FnMut(&A, &B) -> Result<(I, J), D>,
    ) -> Result<(Loaded<A>, Loaded<B>), CommandError<D>>
    where
        I: IntoIterator<Item = A::Event>,
        J: IntoIterator<Item = B::Event>,
    {
        let (mut one, mut two) = (self.load(id)?, other.load(other_id)?);
        self.check_pair(&one, other, &two)?;
        let mut attempt = 1;
        let mut _turn = None;
        loop {
            let (first, second) = decide(&one.state, &two.state).map_err(CommandError::Refused)?;
            let first: Vec<_> = first.into_iter().collect();
            let second: Vec<_> = second.into_iter().collect();
            match self.save_pair(&mut one, &first, other, &mut two, &second) {
                Err(error) if error.is_conflict() && attempt < self.recorder.attempts => {
                    attempt += 1;
                    _turn = _turn.or_else(|| turn(one.stream.as_str().min(&two.stream)));
                    self.refresh(&mut one)?;
                    other.refresh(&mut two)?;
                }
                outcome => return Ok(outcome.map(|()| (one, two))?),
            }
        }
    }

    fn check_pair<B: Aggregate>(
        &self,
        one: &Loaded<A>,
        other: &Repository<B>,
        two: &Loaded<B>,
    ) -> Result<()> {
        let reason = if one.stream == two.stream {
            format!("both aggregates are that of stream {:?}", one.stream)
        } else if self.store().id() != other.store().id() {
            "the two repositories are not on the same store".to_owned()
        } else {
            return Ok(());
        };
        Err(ErrorKind::InvalidAppend { reason }.into())
    }

    /// Saves what happened to two aggregates in one append. One to which
    /// nothing happened has to be as loaded all the same: the decision rests
    /// on it.
    fn save_pair<B: Aggregate>(
        &self,
        one: &mut Loaded<A>,
        first: &[A::Event],
        other: &Repository<B>,
        two: &mut Loaded<B>,
        second: &[B::Event],
    ) -> Result<()> {
        if first.is_empty() && second.is_empty() {
            return Ok(());
        }
        let append = Self::opened(one).events(self.records(first)?);
        let append = other.add_to(append, two, second)?;
        let appended = self.recorder.append(append)?;
        let end = appended.last();
        let middle = Position::new(end.get() - second.len() as u64);
        self.follow(one, first, appended.clone(), middle);
        other.follow(two, second, appended, end);
        Ok(())
    }
}
