//! Mistakes that real stores made, for the crash tests to plant and to catch.

/// A mistake. Each stands behind one `Env::bug` at the place where the right
/// thing is done; outside tests there is never any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
// It is reached from outside with the feature `testing` only.
#[cfg_attr(not(feature = "testing"), allow(unreachable_pub))]
pub enum Bug {
    /// Answers, and goes on, without the sync.
    AckBeforeSync,
    /// Shows events to readers before they are as safe as they asked to be.
    ShowBeforeSync,
    /// Doesn't sync the directory after making the next segment.
    NoDirectorySync,
    /// Doesn't sync the directories above a new store.
    NoParentSync,
    /// Says who the store is before it has a segment.
    IdentityFirst,
    /// Syncs only the newest of the segments that were written to.
    SyncsOnlyTheTail,
    /// Tries a failed sync again, and believes the second answer.
    RetriesSync,
    /// Goes on after a failed write or sync as if nothing had been.
    NoPoison,
    /// Says yes to those who waited for a write that failed.
    AcksFailedWrite,
    /// A leader that fails leaves those who follow it waiting.
    ForgetsFollowers,
    /// One of those who are to be woken after a write or sync is not.
    LosesWakeUp,
    /// Calls everything durable that was written before a frame.
    WatermarkAhead,
    /// Cuts the log off at the first frame that doesn't verify, whatever is
    /// known to have been durable.
    CutsAtFirstBadFrame,
    /// Leaves what stands behind a torn end, and writes on in its epoch.
    LeavesTornTail,
    /// Writes frames to a spare segment that still says that it is blank.
    LeavesBlankMark,
    /// Serves what a dead writer left, without writing and syncing it anew.
    TrustsCache,
    /// Takes an old clean close for the last word.
    BelievesOldClose,
    /// Believes what a board says that a loss of power has left.
    BelievesOldBoard,
    /// Says that the log was closed cleanly before all of it is durable.
    ClosesBeforeSync,
    /// Removes several segments behind a cut in no durable order.
    RemovesUnordered,
    /// Writes index files for events that may be gone tomorrow.
    IndexAheadOfLog,
    /// Believes index files without looking at their checksums.
    TrustsIndexFile,
    /// Takes a segment for which there was no room all the same.
    IgnoresFullDisk,
    /// Lets a second writer in.
    IgnoresLock,
    /// Mends what it finds when it is opened for reading only.
    ReaderMends,
}
