//! Floor 1: the one error type.

use crate::types::{EventRef, Expected, Position, TimeOutOfRange, Version};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, where, and what to do about it.
///
/// Match on `kind`; the text is for people. Cheap to clone, because one failed
/// write is the answer to everybody who was waiting for it.
///
/// ```
/// use annals::{Append, ErrorKind, Event, EventStore, Expected, MemoryStore};
/// let store = MemoryStore::new();
/// let registered = || Append::to("users/1").expect(Expected::NoStream).event(Event::new("Registered", ""));
/// store.append(registered())?;
/// let error = store.append(registered()).unwrap_err();
/// match error.kind() {
///     ErrorKind::Conflict { stream, actual, .. } => {
///         assert_eq!((stream.as_str(), actual.get()), ("users/1", 1));
///     }
///     _ => return Err(error),
/// }
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Clone)]
pub struct Error {
    kind: Arc<ErrorKind>,
}

/// The ways in which something can go wrong. There will be more.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A stream was not as the append expected. Nothing was written.
    Conflict {
        /// The stream that was not as expected.
        stream: String,
        /// What the append expected of it.
        expected: Expected,
        /// The version that it has; readers see that version already.
        actual: Version,
    },
    /// A condition of the append did not hold. Nothing was written.
    ConditionFailed {
        /// Which condition, counted from 0 in the order of `Append::unless`.
        clause: usize,
        /// The first event that it excludes; readers see it already.
        position: Position,
    },
    /// An event id that is taken, in a store that keeps ids unique, by something
    /// else than this append. Nothing was written. Not a retry's answer: the
    /// same append again is a repeat.
    DuplicateId {
        /// The id.
        id: Uuid,
        /// The first event that has it, which readers see already; `None` if
        /// it comes twice in the append itself.
        position: Option<Position>,
    },
    /// A name (of a stream, type, tag or cursor) is empty or too long.
    InvalidName {
        /// Whose name: "stream", "event type", "tag", "cursor".
        what: &'static str,
        /// The name's length in bytes.
        length: usize,
        /// The longest that is allowed, in bytes.
        limit: usize,
    },
    /// An append without events: there is nothing to record.
    EmptyAppend,
    /// An append that names a stream in a way that contradicts itself.
    InvalidAppend {
        /// What contradicts what.
        reason: String,
    },
    /// An event or an append over its limit. Nothing was written.
    TooLarge {
        /// What is too large: "event" or "append".
        what: &'static str,
        /// Its size in bytes.
        size: u64,
        /// The most that is allowed, in bytes; an option of the store.
        limit: u64,
    },
    /// A stream or the store has no further number to give.
    Overflow {
        /// What has run out.
        what: String,
    },
    /// A time outside the years 0000 to 9999.
    TimeOutOfRange,
    /// The path is not a store, and not an empty place where one can be made.
    NotAStore {
        /// The path that was opened.
        path: PathBuf,
        /// Why it is none.
        reason: String,
    },
    /// The store was written by a newer annals than this one.
    NewerFormat {
        /// The file that says so.
        path: PathBuf,
        /// What it asks for.
        found: String,
    },
    /// Another writer has the store open, in this process or another.
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A write to a store that is open for reading only.
    ReadOnly,
    /// There was no room to prepare the next segment. Nothing was written,
    /// nothing is broken: free some space and append again.
    DiskFull {
        /// The file that found no room.
        path: PathBuf,
    },
    /// Bytes on the medium are not what was written there.
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where in the file, in bytes from its start.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// The operating system refused.
    Io {
        /// The file or directory concerned.
        path: PathBuf,
        /// What was being done.
        operation: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// An earlier write or sync failed, so this writer takes no more. This
    /// append was not written; reads go on; open the store again to write.
    Poisoned {
        /// What failed.
        cause: Error,
    },
    /// The write or sync of this very append failed: whether it is there will
    /// be known, and settled for good, when the store is opened again.
    OutcomeUnknown {
        /// What failed.
        cause: Error,
    },
    /// The store was closed.
    Closed,
    /// A recorded event is of a type that the event enum does not have.
    UnknownType {
        /// The event's type.
        event_type: String,
        /// The event.
        at: EventPlace,
        /// The types that the event enum has.
        known: Vec<String>,
    },
    /// A recorded event has a newer schema than this application knows: a
    /// newer version of the application wrote it.
    NewerSchema {
        /// The event's type.
        event_type: String,
        /// The schema version of its data.
        schema: u32,
        /// The newest schema version that is known here.
        newest: u32,
        /// The event.
        at: EventPlace,
    },
    /// The data of a recorded event can't be read as what its type says.
    Undecodable {
        /// The event's type.
        event_type: String,
        /// The schema version of its data.
        schema: u32,
        /// The event.
        at: EventPlace,
        /// What does not fit, as the codec or upcaster says it.
        reason: String,
    },
    /// A value can't be written as data. Nothing was written.
    Unencodable {
        /// What was to be written.
        what: String,
        /// Why it can't be, as the codec says it.
        reason: String,
    },
    /// Upcasters that leave a gap, run in a circle or contradict each other.
    InvalidUpcasters {
        /// Everything that is wrong with them, one sentence each.
        problems: Vec<String>,
    },
    /// An event can't be undone. Nothing was written.
    NotUndoable {
        /// The event's type.
        event_type: String,
        /// The event.
        at: EventPlace,
        /// Why it can't be.
        reason: String,
    },
    /// There is no such event.
    NoSuchEvent {
        /// Which event was looked for, and where.
        what: String,
    },
    /// A view at a position that the store has not reached.
    NotReached {
        /// The position asked for.
        asked: Position,
        /// The last visible one.
        head: Position,
    },
    /// This backend can't do that: see `EventStore::capabilities`.
    Unsupported {
        /// What it can't do.
        what: &'static str,
    },
    /// What was waited for didn't come in time. It may come yet.
    TimedOut {
        /// The position that was to be reached.
        wanted: Position,
        /// The one that was reached.
        reached: Position,
    },
    /// A cursor stands after the store's last event: it is of another store,
    /// or this store was put back to an earlier state.
    CursorAhead {
        /// The cursor's name.
        name: String,
        /// Where it stands.
        cursor: Position,
        /// The store's last event.
        head: Position,
    },
    /// Something outside of annals failed: a handler, a codec, the database
    /// behind a trait that somebody else implements.
    Outside {
        /// What was being done, as in "cannot ...".
        operation: String,
        /// What failed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Which recorded event an error speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPlace {
    /// The event's stream.
    pub stream: String,
    /// Its place in the stream.
    pub version: Version,
    /// Its place in the store.
    pub position: Position,
}

impl From<&EventRef<'_>> for EventPlace {
    fn from(event: &EventRef<'_>) -> Self {
        EventPlace {
            stream: event.stream().to_owned(),
            version: event.version(),
            position: event.position(),
        }
    }
}

impl fmt::Display for EventPlace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EventPlace {
            stream,
            version,
            position,
        } = self;
        write!(
            out,
            "version {version} of stream {stream:?} (position {position})"
        )
    }
}

impl Error {
    /// What went wrong, to be matched on.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Whether the same call may succeed later without anybody mending
    /// anything in the store: after a conflict (with a fresh version), a full
    /// disk, another writer's lock, or when time was up.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Conflict { .. }
                | ErrorKind::ConditionFailed { .. }
                | ErrorKind::DiskFull { .. }
                | ErrorKind::Locked { .. }
                | ErrorKind::TimedOut { .. }
        )
    }

    /// Whether the append may have been recorded all the same. Opening the
    /// store again settles it; appending the same events with the same
    /// expectations then answers with the outcome, whichever it was.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self.kind(), ErrorKind::OutcomeUnknown { .. })
    }

    /// Whether something was not as the append expected: a stream, or what a
    /// condition excludes. Read again and decide anew.
    pub fn is_conflict(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Conflict { .. } | ErrorKind::ConditionFailed { .. }
        )
    }

    /// Whether bytes on the medium are not what was written there.
    pub fn is_corrupt(&self) -> bool {
        matches!(self.kind(), ErrorKind::Corrupt { .. })
    }

    /// A failure of something outside of annals: what those return who
    /// implement its traits over a library of their own.
    ///
    /// ```
    /// let refused = std::io::Error::other("no connection");
    /// let error = annals::Error::outside("save the cursor", refused);
    /// assert_eq!(error.to_string(), "cannot save the cursor: no connection");
    /// ```
    pub fn outside(
        operation: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        ErrorKind::Outside {
            operation: operation.into(),
            source: source.into(),
        }
        .into()
    }

    /// Corruption found in a file.
    pub(crate) fn corrupt(path: &Path, offset: u64, reason: impl Into<String>) -> Self {
        ErrorKind::Corrupt {
            path: path.to_path_buf(),
            offset,
            reason: reason.into(),
        }
        .into()
    }

    /// A refusal of the operating system.
    pub(crate) fn io(path: &Path, operation: &'static str, source: io::Error) -> Self {
        ErrorKind::Io {
            path: path.to_path_buf(),
            operation,
            source,
        }
        .into()
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Error {
            kind: Arc::new(kind),
        }
    }
}

impl From<TimeOutOfRange> for Error {
    fn from(_: TimeOutOfRange) -> Self {
        ErrorKind::TimeOutOfRange.into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(out)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(out)
    }
}

impl fmt::Display for ErrorKind {
    // One sentence for each kind.
    #[allow(clippy::too_many_lines)]
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::Conflict {
                stream,
                expected,
                actual,
            } => write!(
                out,
                "stream {stream:?} is at version {actual}, but the append expected {expected}; \
                 read it again and decide anew"
            ),
            ErrorKind::ConditionFailed { clause, position } => write!(
                out,
                "condition {clause} of the append excludes the event at position {position}; \
                 read again and decide anew"
            ),
            ErrorKind::DuplicateId {
                id,
                position: Some(position),
            } => write!(
                out,
                "the id {id} is that of the event at position {position}, and the append that \
                 recorded it was not this one; give new events ids of their own, or repeat the \
                 first append as it was"
            ),
            ErrorKind::DuplicateId { id, position: None } => write!(
                out,
                "the id {id} comes twice in the append; give each event an id of its own"
            ),
            ErrorKind::InvalidName {
                what, length: 0, ..
            } => {
                write!(out, "the name of the {what} is empty")
            }
            ErrorKind::InvalidName {
                what,
                length,
                limit,
            } => write!(
                out,
                "the name of the {what} is {length} bytes long; the limit is {limit}"
            ),
            ErrorKind::EmptyAppend => out.write_str("the append has no events"),
            ErrorKind::InvalidAppend { reason } => write!(out, "the append is invalid: {reason}"),
            ErrorKind::TooLarge { what, size, limit } => write!(
                out,
                "the {what} is {size} bytes large; the limit of this store is {limit}"
            ),
            ErrorKind::Overflow { what } => write!(out, "{what} has reached its last number"),
            ErrorKind::TimeOutOfRange => {
                out.write_str("the time is outside the years 0000 to 9999")
            }
            ErrorKind::NotAStore { path, reason } => {
                write!(out, "{} is not a store: {reason}", path.display())
            }
            ErrorKind::NewerFormat { path, found } => write!(
                out,
                "{} asks for {found}, which this version of annals does not know; use a newer one",
                path.display()
            ),
            ErrorKind::Locked { path } => write!(
                out,
                "another writer holds {}; close it, or open the store for reading only",
                path.display()
            ),
            ErrorKind::ReadOnly => out.write_str("the store is open for reading only"),
            ErrorKind::DiskFull { path } => write!(
                out,
                "no room for {}; nothing was written: free some space and append again",
                path.display()
            ),
            ErrorKind::Corrupt {
                path,
                offset,
                reason,
            } => write!(
                out,
                "{} is corrupt at byte {offset}: {reason}",
                path.display()
            ),
            ErrorKind::Io {
                path,
                operation,
                source,
            } => write!(out, "cannot {operation} {}: {source}", path.display()),
            ErrorKind::Poisoned { cause } => write!(
                out,
                "the append was not written, because an earlier write failed ({cause}); \
                 open the store again to write"
            ),
            ErrorKind::OutcomeUnknown { cause } => write!(
                out,
                "the append may or may not be recorded ({cause}); \
                 open the store again and repeat it to know"
            ),
            ErrorKind::Closed => out.write_str("the store is closed"),
            ErrorKind::UnknownType {
                event_type,
                at,
                known,
            } => write!(
                out,
                "{at} is of type {event_type:?}, which the event enum does not have (it has {}); \
                 give it a variant or an upcaster, or skip unknown types",
                known.join(", ")
            ),
            ErrorKind::NewerSchema {
                event_type,
                schema,
                newest,
                at,
            } => write!(
                out,
                "{at} is a {event_type:?} of schema {schema}, but this application knows \
                 schemas up to {newest}; use a newer version of the application"
            ),
            ErrorKind::Undecodable {
                event_type,
                schema,
                at,
                reason,
            } => write!(
                out,
                "{at} can't be read as a {event_type:?} of schema {schema}: {reason}"
            ),
            ErrorKind::Unencodable { what, reason } => {
                write!(out, "{what} can't be written: {reason}")
            }
            ErrorKind::InvalidUpcasters { problems } => {
                write!(out, "the upcasters are invalid: {}", problems.join("; "))
            }
            ErrorKind::NotUndoable {
                event_type,
                at,
                reason,
            } => write!(out, "{at}, a {event_type:?}, can't be undone: {reason}"),
            ErrorKind::NoSuchEvent { what } => write!(out, "there is no {what}"),
            ErrorKind::NotReached { asked, head } => write!(
                out,
                "there is no view at position {asked} yet: the store is at {head}"
            ),
            ErrorKind::Unsupported { what } => write!(out, "this store does not support {what}"),
            ErrorKind::TimedOut { wanted, reached } => write!(
                out,
                "time was up at position {reached}; position {wanted} is not reached yet"
            ),
            ErrorKind::CursorAhead { name, cursor, head } => write!(
                out,
                "the cursor {name:?} stands at position {cursor}, but the store ends at {head}; \
                 if this is the right store, remove the cursor or set it back"
            ),
            ErrorKind::Outside { operation, source } => write!(out, "cannot {operation}: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.kind() {
            ErrorKind::Io { source, .. } => Some(source),
            ErrorKind::Outside { source, .. } => Some(&**source),
            ErrorKind::Poisoned { cause } | ErrorKind::OutcomeUnknown { cause } => Some(cause),
            _ => None,
        }
    }
}
