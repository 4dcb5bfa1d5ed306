//! By which frame of the log a file beside it is known to be of that log.

/// The last frame that an index file, or a file of ids, covers. A file whose
/// last frame isn't in the log is of another history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameMark {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    /// That of the frame's head.
    pub(crate) checksum: u32,
}

impl FrameMark {
    /// As it stands in headers.
    pub(crate) fn numbers(self) -> [u64; 3] {
        [self.segment, self.offset, u64::from(self.checksum)]
    }

    pub(crate) fn from_numbers([segment, offset, checksum]: [u64; 3]) -> Self {
        FrameMark {
            segment,
            offset,
            checksum: checksum as u32,
        }
    }
}
