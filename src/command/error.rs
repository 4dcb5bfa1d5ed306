//! What a command can fail with.

use crate::error::Error;
use std::fmt;

/// Why a command came to nothing: the domain refused it, or the store failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError<D, E = Error> {
    /// The domain's own error, as the decision gave it.
    Refused(D),
    /// What the store failed with. A `Conflict` means that others changed the
    /// aggregate again and again, each time before the decision was recorded.
    Failed(E),
}

impl<D> CommandError<D> {
    /// The error as the domain's own, where that can hold one of the store.
    ///
    /// ```
    /// # use annals::{Aggregate, CommandError, MemoryStore, Repository};
    /// # #[derive(Default)]
    /// # struct Account { balance: i64 }
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # enum AccountEvent { Withdrawn(i64) }
    /// # impl Aggregate for Account {
    /// #   type Event = AccountEvent;
    /// #   const CATEGORY: &'static str = "accounts";
    /// #   fn apply(&mut self, _: &AccountEvent) {}
    /// # }
    /// #[derive(Debug)]
    /// enum BankError {
    ///     Overdraft,
    ///     Store(annals::Error),
    /// }
    ///
    /// impl From<annals::Error> for BankError {
    ///     fn from(error: annals::Error) -> Self {
    ///         BankError::Store(error)
    ///     }
    /// }
    ///
    /// fn withdraw(accounts: &Repository<Account>, id: u32, amount: i64) -> Result<i64, BankError> {
    ///     let account = accounts
    ///         .execute(id, |account| match amount <= account.balance {
    ///             true => Ok([AccountEvent::Withdrawn(amount)]),
    ///             false => Err(BankError::Overdraft),
    ///         })
    ///         .map_err(CommandError::flatten)?;
    ///     Ok(account.balance)
    /// }
    /// # let accounts = Repository::new(std::sync::Arc::new(MemoryStore::new()));
    /// assert!(matches!(withdraw(&accounts, 7, 5), Err(BankError::Overdraft)));
    /// ```
    pub fn flatten(self) -> D
    where
        D: From<Error>,
    {
        match self {
            CommandError::Refused(refused) => refused,
            CommandError::Failed(error) => error.into(),
        }
    }

    /// The domain's error, if it was the domain that refused.
    pub fn refused(&self) -> Option<&D> {
        match self {
            CommandError::Refused(refused) => Some(refused),
            CommandError::Failed(_) => None,
        }
    }
}

impl<D> From<Error> for CommandError<D> {
    fn from(error: Error) -> Self {
        CommandError::Failed(error)
    }
}

impl<D: fmt::Display> fmt::Display for CommandError<D> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandError::Refused(refused) => refused.fmt(out),
            CommandError::Failed(error) => error.fmt(out),
        }
    }
}

impl<D: std::error::Error + 'static> std::error::Error for CommandError<D> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CommandError::Refused(refused) => refused.source(),
            CommandError::Failed(error) => error.source(),
        }
    }
}
