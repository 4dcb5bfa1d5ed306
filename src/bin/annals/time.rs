//! Times as text: RFC 3339 in, `Timestamp`'s own `Display` out.

use annals::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::temporal::Pieces;

/// The moment that an RFC 3339 text names.
///
/// The offset may be any; the fraction has at most nine digits, because what
/// is finer could not be kept. Moments are without leap seconds, so second 60
/// counts as second 59.
pub(crate) fn parse(text: &str) -> Result<Timestamp, String> {
    if !has_shape(text) {
        return Err(format!(
            "the time {text:?} is not of the form 2006-01-02T15:04:05.999Z or \
             2006-01-02T15:04:05-07:00 (RFC 3339)"
        ));
    }
    let wrong = |error: jiff::Error| format!("the time {text:?} is invalid: {error}");
    let pieces = Pieces::parse(text).map_err(wrong)?;
    let offset = pieces
        .to_numeric_offset()
        .map_or(0, jiff::tz::Offset::seconds);
    let local = DateTime::from_parts(pieces.date(), pieces.time().unwrap_or_default());
    let since = local.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
    // A duration before 1970 has a negative fraction; a timestamp has not.
    let nanos = i64::from(since.subsec_nanos());
    let seconds = since.as_secs() - i64::from(offset) + nanos.div_euclid(1_000_000_000);
    Timestamp::new(seconds, nanos.rem_euclid(1_000_000_000) as u32)
        .map_err(|error| format!("the time {text:?} is invalid: {error}"))
}

/// Whether the text has the shape that RFC 3339 demands; jiff by itself takes
/// more than that (times without minutes, names of zones). What the digits say
/// is left to jiff.
fn has_shape(text: &str) -> bool {
    let mut rest = text.as_bytes();
    let mut take = |pattern: &[u8]| {
        let fits = rest.len() >= pattern.len()
            && pattern.iter().zip(rest).all(|(want, byte)| match want {
                b'0' => byte.is_ascii_digit(),
                b'T' => matches!(byte, b'T' | b't' | b' '),
                b'Z' => matches!(byte, b'Z' | b'z'),
                b'+' => matches!(byte, b'+' | b'-'),
                other => other == byte,
            });
        if fits {
            rest = &rest[pattern.len()..];
        }
        fits
    };
    if !take(b"0000-00-00T00:00:00") {
        return false;
    }
    if take(b".0") {
        while take(b"0") {}
    }
    (take(b"Z") || take(b"+00:00")) && rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> String {
        parse(text).unwrap().to_string()
    }

    #[test]
    fn any_offset_and_fraction_is_kept_as_an_instant() {
        assert_eq!(
            utc("2011-10-01T00:38:44.546+02:00"),
            "2011-09-30T22:38:44.546Z"
        );
        assert_eq!(utc("2005-04-07T15:13:13-07:00"), "2005-04-07T22:13:13Z");
        assert_eq!(utc("1820-04-17T00:00:00Z"), "1820-04-17T00:00:00Z");
        assert_eq!(
            utc("1969-12-31T23:59:59.000000001z"),
            "1969-12-31T23:59:59.000000001Z"
        );
        assert_eq!(
            utc("1960-01-01t00:00:00.25-00:00"),
            "1960-01-01T00:00:00.250Z"
        );
        assert_eq!(utc("2024-02-29 12:00:00+23:59"), "2024-02-28T12:01:00Z");
    }

    #[test]
    fn every_moment_that_is_shown_can_be_read_again() {
        for moment in [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH] {
            assert_eq!(parse(&moment.to_string()), Ok(moment));
        }
    }

    #[test]
    fn a_leap_second_counts_as_the_second_before_it() {
        assert_eq!(utc("2016-12-31T23:59:60Z"), "2016-12-31T23:59:59Z");
    }

    #[test]
    fn what_is_no_time_says_so() {
        let refused = |text: &str| parse(text).unwrap_err();
        for shape in [
            "",
            "yesterday",
            "2024-01-01",
            "2024-01-01T00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00Z[UTC]",
            "2024-01-01T00:00:00+0100",
            "+2024-01-01T00:00:00Z",
            "12024-01-01T00:00:00Z",
            "2024-01-01T00:00:00Zé",
        ] {
            assert!(refused(shape).contains("RFC 3339"), "{shape}");
        }
        for value in [
            "2024-13-01T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:61Z",
            "2024-01-01T00:00:00.0123456789Z",
        ] {
            assert!(refused(value).contains("is invalid"), "{value}");
        }
        for range in ["0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"] {
            assert!(refused(range).contains("years 0000 to 9999"), "{range}");
        }
    }
}
