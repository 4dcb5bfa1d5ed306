//! A moment, as a type that needs nobody else's calendar.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment: seconds and nanoseconds since 1970-01-01T00:00:00Z, without leap
/// seconds, in the years 0000 to 9999 (those that RFC 3339 can write).
///
/// ```
/// use annals::Timestamp;
/// let birth = Timestamp::new(-4_722_883_200, 0).unwrap();
/// assert_eq!(birth.to_string(), "1820-05-04T00:00:00Z");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    seconds: i64,
    nanos: u32,
}

/// A moment outside the years 0000 to 9999, or 1,000,000,000 nanoseconds or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOutOfRange;

impl fmt::Display for TimeOutOfRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the time is outside the years 0000 to 9999")
    }
}

impl std::error::Error for TimeOutOfRange {}

const DAY: i64 = 86_400;
const MICROS: i64 = 1_000_000;

impl Timestamp {
    /// 0000-01-01T00:00:00Z, the earliest moment.
    pub const MIN: Timestamp = Timestamp {
        seconds: -62_167_219_200,
        nanos: 0,
    };
    /// 9999-12-31T23:59:59.999999999Z, the latest moment.
    pub const MAX: Timestamp = Timestamp {
        seconds: 253_402_300_799,
        nanos: 999_999_999,
    };
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Timestamp = Timestamp {
        seconds: 0,
        nanos: 0,
    };

    /// The moment this many seconds, and then nanoseconds, after 1970.
    ///
    /// # Errors
    /// Outside `MIN..=MAX`, or with 1,000,000,000 nanoseconds or more.
    pub fn new(seconds: i64, nanos: u32) -> Result<Self, TimeOutOfRange> {
        let moment = Timestamp { seconds, nanos };
        if nanos < 1_000_000_000 && moment >= Self::MIN && moment <= Self::MAX {
            Ok(moment)
        } else {
            Err(TimeOutOfRange)
        }
    }

    /// The moment this many microseconds after 1970.
    ///
    /// # Errors
    /// Outside `MIN..=MAX`.
    pub fn from_micros(micros: i64) -> Result<Self, TimeOutOfRange> {
        let nanos = micros.rem_euclid(MICROS) as u32 * 1000;
        Self::new(micros.div_euclid(MICROS), nanos)
    }

    /// Whole seconds since 1970, rounded towards the past.
    pub const fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds since the whole second: 0 to 999,999,999.
    pub const fn nanos(self) -> u32 {
        self.nanos
    }

    /// Whole microseconds since 1970, rounded towards the past.
    pub const fn micros(self) -> i64 {
        // The range of years keeps this far from overflow.
        self.seconds * MICROS + self.nanos as i64 / 1000
    }

    /// This moment without what is finer than a microsecond. Recorded times
    /// are such: see `RecordedEvent::recorded`.
    #[must_use]
    pub const fn whole_micros(self) -> Self {
        Timestamp {
            seconds: self.seconds,
            nanos: self.nanos / 1000 * 1000,
        }
    }
}

/// A moment as whole microseconds since 1970: what recorded times are. Each event
/// that is read carries one, and few are asked for it, so that the seconds are
/// told from the rest when somebody asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Micros(i64);

impl Micros {
    const MIN: i64 = Timestamp::MIN.micros();
    const MAX: i64 = Timestamp::MAX.micros();

    /// So many microseconds after 1970, if that is a moment.
    #[inline]
    pub(crate) fn new(micros: i64) -> Option<Self> {
        (Self::MIN..=Self::MAX)
            .contains(&micros)
            .then_some(Micros(micros))
    }

    pub(crate) fn get(self) -> i64 {
        self.0
    }

    pub(crate) fn timestamp(self) -> Timestamp {
        Timestamp {
            seconds: self.0.div_euclid(MICROS),
            nanos: self.0.rem_euclid(MICROS) as u32 * 1000,
        }
    }
}

impl From<Timestamp> for Micros {
    /// Without what is finer than a microsecond.
    fn from(time: Timestamp) -> Self {
        Micros(time.micros())
    }
}

impl fmt::Debug for Micros {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.timestamp().fmt(out)
    }
}

impl From<SystemTime> for Timestamp {
    /// Bounded by `MIN..=MAX`.
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs())
                .ok()
                .and_then(|seconds| Self::new(seconds, after.subsec_nanos()).ok())
                .unwrap_or(Self::MAX),
            Err(before) => Self::before_epoch(before.duration()).unwrap_or(Self::MIN),
        }
    }
}

impl Timestamp {
    fn before_epoch(distance: Duration) -> Option<Self> {
        let seconds = i64::try_from(distance.as_secs()).ok()?.checked_neg()?;
        match distance.subsec_nanos() {
            0 => Self::new(seconds, 0).ok(),
            nanos => Self::new(seconds.checked_sub(1)?, 1_000_000_000 - nanos).ok(),
        }
    }
}

/// RFC 3339 in UTC, with as many digits of the second as it takes (0, 3, 6, 9).
impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.seconds.div_euclid(DAY));
        let second = self.seconds.rem_euclid(DAY);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(
            out,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        match self.nanos {
            0 => {}
            nanos if nanos % 1_000_000 == 0 => write!(out, ".{:03}", nanos / 1_000_000)?,
            nanos if nanos % 1000 == 0 => write!(out, ".{:06}", nanos / 1000)?,
            nanos => write!(out, ".{nanos:09}")?,
        }
        out.write_str("Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Year, month and day of a number of days since 1970-01-01 in the proleptic
/// Gregorian calendar: years run from March, so that the leap day is the last
/// (the method is that of H. Hinnant, "chrono-compatible low-level date
/// algorithms").
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(seconds: i64, nanos: u32) -> String {
        Timestamp::new(seconds, nanos).unwrap().to_string()
    }

    #[test]
    fn shows_moments_on_both_sides_of_1970() {
        assert_eq!(shown(0, 0), "1970-01-01T00:00:00Z");
        assert_eq!(shown(-1, 999_000_000), "1969-12-31T23:59:59.999Z");
        assert_eq!(shown(951_782_400, 1000), "2000-02-29T00:00:00.000001Z");
        assert_eq!(shown(1_709_251_199, 1), "2024-02-29T23:59:59.000000001Z");
        assert_eq!(Timestamp::MIN.to_string(), "0000-01-01T00:00:00Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999999Z");
    }

    #[test]
    fn refuses_what_rfc_3339_cannot_write() {
        assert!(Timestamp::new(Timestamp::MIN.seconds - 1, 0).is_err());
        assert!(Timestamp::new(Timestamp::MAX.seconds + 1, 0).is_err());
        assert!(Timestamp::new(0, 1_000_000_000).is_err());
        assert!(Timestamp::from_micros(i64::MAX).is_err());
        assert!(Timestamp::from_micros(i64::MIN).is_err());
    }

    #[test]
    fn moments_in_micros_are_those_that_there_are() {
        let (least, most) = (Timestamp::MIN.micros(), Timestamp::MAX.micros());
        for micros in [least, -1_000_001, -1, 0, 999_999, 1_000_000, most] {
            let moment = Timestamp::from_micros(micros).unwrap();
            assert_eq!(Micros::new(micros).unwrap().timestamp(), moment);
            assert_eq!(Micros::from(moment).get(), micros);
        }
        for beyond in [least - 1, most + 1, i64::MIN, i64::MAX] {
            assert_eq!(Micros::new(beyond), None);
            assert!(Timestamp::from_micros(beyond).is_err());
        }
    }

    #[test]
    fn micros_round_towards_the_past() {
        let moment = Timestamp::from_micros(-1).unwrap();
        assert_eq!((moment.seconds(), moment.nanos()), (-1, 999_999_000));
        assert_eq!(moment.micros(), -1);
        assert_eq!(Timestamp::MIN.micros(), -62_167_219_200_000_000);
    }

    #[test]
    fn system_time_before_1970_keeps_its_fraction() {
        let time = UNIX_EPOCH - Duration::from_millis(1500);
        assert_eq!(
            Timestamp::from(time),
            Timestamp::new(-2, 500_000_000).unwrap()
        );
    }
}
