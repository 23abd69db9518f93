//! Dates, times and timestamps.

use std::io::Write as _;

use super::{Granularity, ValueError, scalar::fixed};
use crate::calendar::{CalendarSystem, DAYS_TO_2000, civil_from_days};
use crate::instant::{Clock, Instant, PgTimestamp, TimestampKind};

const DAY_MICROS: i64 = 86_400_000_000;
const DAY_MILLIS: i32 = 86_400_000;
/// What pgjdbc makes of `infinity` and `-infinity`, in epoch milliseconds.
const INFINITE_MILLIS: i64 = 9_223_372_036_825_200_000;
const NEG_INFINITE_MILLIS: i64 = -9_223_372_036_832_400_000;

/// A date: days since 1970.
pub fn date(bytes: &[u8], calendar: CalendarSystem) -> Result<i32, ValueError> {
    let days = i32::from_be_bytes(fixed(bytes)?);
    if days == i32::MAX || days == i32::MIN {
        return Err(ValueError::Infinite);
    }
    i32::try_from(calendar.java_days(i64::from(days) + DAYS_TO_2000)).map_err(|_| ValueError::OutOfRange)
}

/// A time of day in a zone `east` seconds east of UTC: milliseconds of the day in UTC.
pub fn time(bytes: &[u8], east: i32) -> Result<i32, ValueError> {
    Ok(utc_time(i64::from_be_bytes(fixed(bytes)?), east))
}

/// A time of day with its own offset.
pub fn time_with_zone(bytes: &[u8]) -> Result<i32, ValueError> {
    let (time, west) = bytes.split_first_chunk::<8>().ok_or(ValueError::Malformed)?;
    let west = i32::from_be_bytes(fixed(west)?);
    Ok(utc_time(i64::from_be_bytes(*time), west.saturating_neg()))
}

/// Stays within the day; but the end of the day, 24:00, is a time of its own.
fn utc_time(micros: i64, east: i32) -> i32 {
    let utc = micros.saturating_sub(i64::from(east) * 1_000_000);
    if utc == DAY_MICROS {
        return DAY_MILLIS;
    }
    (utc.rem_euclid(DAY_MICROS) / 1000) as i32
}

fn timestamp(bytes: &[u8]) -> Result<PgTimestamp, ValueError> {
    Ok(PgTimestamp(i64::from_be_bytes(fixed(bytes)?)))
}

/// Epoch milliseconds, finer digits cut.
pub fn millis(bytes: &[u8], kind: TimestampKind, clock: Clock) -> Result<i64, ValueError> {
    Ok(match timestamp(bytes)? {
        PgTimestamp::INFINITY => INFINITE_MILLIS,
        PgTimestamp::NEG_INFINITY => NEG_INFINITE_MILLIS,
        finite => clock.instant(kind, finite).millis(),
    })
}

/// Epoch microseconds (`factor` 1) or nanoseconds (1000); what does not fit becomes the nearest that does.
pub fn long(bytes: &[u8], kind: TimestampKind, clock: Clock, factor: i128) -> Result<i64, ValueError> {
    Ok(match timestamp(bytes)? {
        PgTimestamp::INFINITY => i64::MAX,
        PgTimestamp::NEG_INFINITY => i64::MIN,
        finite => (clock.instant(kind, finite).micros() * factor).clamp(i64::MIN.into(), i64::MAX.into()) as i64,
    })
}

/// The text forms.
pub fn text(
    bytes: &[u8],
    kind: TimestampKind,
    clock: Clock,
    granularity: Granularity,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    let raw = timestamp(bytes)?;
    let instant = match raw {
        PgTimestamp::INFINITY => Instant::of_millis(INFINITE_MILLIS),
        PgTimestamp::NEG_INFINITY => Instant::of_millis(NEG_INFINITE_MILLIS),
        finite => clock.instant(kind, finite),
    };
    // Writing into memory cannot fail.
    let _ = match granularity {
        Granularity::MicrosString => write!(out, "{}", long(bytes, kind, clock, 1)?),
        Granularity::NanosString => write!(out, "{}", instant.micros() * 1000),
        Granularity::MicrosIso => iso(instant, clock, out).and_then(|()| write!(out, "{:06}", instant.micros)),
        Granularity::NanosIso => iso(instant, clock, out).and_then(|()| write!(out, "{:06}000", instant.micros)),
        Granularity::ConnectLogical | Granularity::MicrosLong | Granularity::NanosLong => {
            return Err(ValueError::Malformed);
        }
    };
    Ok(())
}

/// Up to the point before the fraction, in the zone, in the proleptic calendar with a signed year.
fn iso(instant: Instant, clock: Clock, out: &mut Vec<u8>) -> std::io::Result<()> {
    let wall = instant.seconds + i64::from(clock.zone.historic_offset_at(instant.seconds));
    let (year, month, day) = civil_from_days(wall.div_euclid(86_400));
    let time = wall.rem_euclid(86_400);
    match year {
        0..=9999 => write!(out, "{year:04}")?,
        10_000.. => write!(out, "+{year}")?,
        _ => write!(out, "-{:04}", year.unsigned_abs())?,
    }
    write!(out, "-{month:02}-{day:02}T{:02}:{:02}:{:02}.", time / 3600, time / 60 % 60, time % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::Zone;

    const UTC: Clock = Clock { zone: Zone::Utc, calendar: CalendarSystem::Legacy };

    fn iso_of(raw: i64) -> String {
        let mut out = Vec::new();
        text(&raw.to_be_bytes(), TimestampKind::WithoutZone, UTC, Granularity::MicrosIso, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn times_stay_within_the_day() {
        let at = |hours: i64, east: i32| time(&(hours * 3_600_000_000).to_be_bytes(), east).unwrap() / 3_600_000;
        assert_eq!(at(24, 0), 24);
        assert_eq!(at(0, 0), 0);
        assert_eq!(at(0, 3600), 23);
        assert_eq!(at(23, -3600), 24);
        assert_eq!(at(23, -7200), 1);
        assert!(time(&[0], 0).is_err());
    }

    #[test]
    fn infinities_and_far_years() {
        let kind = TimestampKind::WithoutZone;
        assert_eq!(millis(&i64::MAX.to_be_bytes(), kind, UTC), Ok(INFINITE_MILLIS));
        assert_eq!(iso_of(i64::MAX), "+292278994-08-16T23:00:00.000000");
        assert_eq!(iso_of(i64::MIN), "-292275055-05-16T23:00:00.000000");
        assert_eq!(date(&i32::MIN.to_be_bytes(), CalendarSystem::Legacy), Err(ValueError::Infinite));
        // 294276-12-31: too late for microseconds since 1970.
        let last = 9_223_371_331_199_999_999i64.to_be_bytes();
        assert_eq!(long(&last, kind, UTC, 1), Ok(i64::MAX));
        assert_eq!(millis(&last, kind, UTC), Ok(9_224_318_015_999_999));
    }

    #[test]
    fn before_1970_fractions_count_forward() {
        let half_before = (-946_684_800_500_000i64).to_be_bytes();
        assert_eq!(long(&half_before, TimestampKind::WithZone, UTC, 1), Ok(-500_000));
        assert_eq!(millis(&half_before, TimestampKind::WithZone, UTC), Ok(-500));
    }
}
