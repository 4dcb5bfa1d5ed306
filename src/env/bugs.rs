//! Mistakes that real stores made, for the crash tests to plant and to catch.

/// A mistake. Each stands behind one `Env::bug` at the place where the right
/// thing is done; outside tests there is never any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bug {
    /// Answers before the sync.
    AckBeforeSync,
    /// Shows events to readers before they are as safe as they asked to be.
    ShowBeforeSync,
    /// Doesn't sync the directory after making the next segment.
    NoDirectorySync,
    /// Doesn't sync the directory above a new store.
    NoParentSync,
    /// Syncs only the newest of the segments that were written to.
    SyncsOnlyTheTail,
    /// Tries a failed sync again, and believes the second answer.
    RetriesSync,
    /// Goes on as if nothing had been after a failed write or sync.
    NoPoison,
    /// Leads, fails, and leaves those who follow waiting.
    ForgetsFollowers,
    /// Cuts the log off at the first frame that doesn't verify, whatever is
    /// known to have been durable.
    CutsAtFirstBadFrame,
    /// Leaves what stands behind a torn end where it is.
    LeavesTornTail,
    /// Writes on in the old epoch after a cut.
    KeepsEpoch,
    /// Serves what a dead writer left, without writing and syncing it anew.
    TrustsCache,
    /// Takes an old clean close for the last word.
    BelievesOldClose,
    /// Doesn't verify records when it recovers.
    SkipsRecords,
    /// Writes index files for events that may be gone tomorrow.
    IndexAheadOfLog,
    /// Writes index files in place, not under a temporary name.
    IndexInPlace,
    /// Takes an index file for true that ends with another frame than the log.
    TrustsIndexFile,
    /// Removes several segments behind a cut in no durable order.
    RemovesUnordered,
    /// Uses a full disk's half-made segment all the same.
    IgnoresFullDisk,
    /// Says that the store was closed cleanly before everything is durable.
    ClosesBeforeSync,
    /// Counts versions on from what was refused.
    ForgetsPartOfBatch,
}
