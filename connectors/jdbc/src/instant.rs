//! Timestamps: as Postgres sends them, and as the instants that Java makes of them.

use millstream_api::OffsetMap;
use serde_json::Value;

use crate::calendar::{CalendarSystem, DAYS_TO_2000, civil_from_days};
use crate::zone::Zone;

const DAY: i64 = 86_400;
const SECONDS_TO_2000: i64 = DAYS_TO_2000 * DAY;
/// Postgres' own limits (4714-11-24 BC, and the end of 294276), in its microseconds.
const MIN_RAW: i64 = -211_813_488_000_000_000;
const MAX_RAW: i64 = 9_223_371_331_200_000_000;

/// Whether a timestamp column has a time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampKind {
    /// `timestamp`: wall-clock time, read in `db.timezone`.
    WithoutZone,
    /// `timestamptz`: an instant.
    WithZone,
}

/// A timestamp as Postgres sends and compares it: microseconds since 2000-01-01, of the wall clock or of UTC as its column's
/// kind says. The extreme values are `infinity` and `-infinity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PgTimestamp(pub i64);

impl PgTimestamp {
    /// `infinity`.
    pub const INFINITY: Self = Self(i64::MAX);
    /// `-infinity`.
    pub const NEG_INFINITY: Self = Self(i64::MIN);

    /// A typed SQL literal, exact to the microsecond, whatever the session's settings.
    pub fn literal(self, kind: TimestampKind) -> String {
        let text = match self.0 {
            raw if raw < MIN_RAW => "-infinity".to_owned(),
            raw if raw >= MAX_RAW => "infinity".to_owned(),
            raw => {
                let seconds = raw.div_euclid(1_000_000);
                let (year, month, day) = civil_from_days(seconds.div_euclid(DAY) + DAYS_TO_2000);
                let time = seconds.rem_euclid(DAY);
                let (shown, era) = if year <= 0 { (1 - year, " BC") } else { (year, "") };
                let zone = if kind == TimestampKind::WithZone { "+00" } else { "" };
                format!(
                    "{shown:04}-{month:02}-{day:02} {:02}:{:02}:{:02}.{:06}{zone}{era}",
                    time / 3600,
                    time / 60 % 60,
                    time % 60,
                    raw.rem_euclid(1_000_000)
                )
            }
        };
        match kind {
            TimestampKind::WithoutZone => format!("timestamp '{text}'"),
            TimestampKind::WithZone => format!("timestamp with time zone '{text}'"),
        }
    }
}

/// An instant as Java's `Timestamp` holds it: seconds since 1970 and microseconds of the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// Whole seconds since 1970-01-01T00:00Z, rounded down.
    pub seconds: i64,
    /// Microseconds of the second, 0 to 999999.
    pub micros: u32,
}

impl Instant {
    /// Of epoch milliseconds.
    pub fn of_millis(millis: i64) -> Self {
        Self { seconds: millis.div_euclid(1000), micros: millis.rem_euclid(1000) as u32 * 1000 }
    }

    /// Epoch milliseconds, microseconds cut.
    pub fn millis(self) -> i64 {
        self.seconds.saturating_mul(1000).saturating_add(i64::from(self.micros / 1000))
    }

    /// Epoch microseconds.
    pub fn micros(self) -> i128 {
        i128::from(self.seconds) * 1_000_000 + i128::from(self.micros)
    }

    /// The stored offset of this instant, with the keys in the order in which they have always been written.
    pub fn to_offset(self) -> OffsetMap {
        OffsetMap::from_iter([
            ("timestamp_nanos".to_owned(), Value::from(self.micros * 1000)),
            ("timestamp".to_owned(), Value::from(self.millis())),
        ])
    }
}

/// How wall-clock times become instants: `db.timezone` and `date.calendar.system`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The zone of columns without one.
    pub zone: Zone,
    /// The calendar.
    pub calendar: CalendarSystem,
}

impl Clock {
    /// The instant Java makes of a timestamp. Not for infinities.
    pub fn instant(self, kind: TimestampKind, timestamp: PgTimestamp) -> Instant {
        let wall = timestamp.0.div_euclid(1_000_000) + SECONDS_TO_2000;
        let days = wall.div_euclid(DAY);
        let wall = wall + (self.calendar.java_days(days) - days) * DAY;
        Instant { seconds: self.zone_of(kind).instant_of_wall(wall), micros: timestamp.0.rem_euclid(1_000_000) as u32 }
    }

    /// The timestamp that Java would bind for an instant, as the column's kind compares it; beyond Postgres' range the infinity.
    pub fn timestamp(self, kind: TimestampKind, instant: Instant) -> PgTimestamp {
        // Beyond a few million years either way it is an infinity in any case.
        let seconds = instant.seconds.clamp(-100_000_000_000_000, 100_000_000_000_000);
        let wall = self.zone_of(kind).wall_of_instant(seconds);
        let days = wall.div_euclid(DAY);
        let wall = wall + (self.calendar.postgres_days(days) - days) * DAY - SECONDS_TO_2000;
        let raw = i128::from(wall) * 1_000_000 + i128::from(instant.micros);
        PgTimestamp(i64::try_from(raw).unwrap_or(if raw < 0 { i64::MIN } else { i64::MAX }))
    }

    fn zone_of(self, kind: TimestampKind) -> Zone {
        match kind {
            TimestampKind::WithoutZone => self.zone,
            TimestampKind::WithZone => Zone::Utc,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(zone: &str) -> Clock {
        Clock { zone: Zone::parse(zone).unwrap(), calendar: CalendarSystem::Legacy }
    }

    /// 2024-01-03 00:00:00.123456
    const RAW: i64 = 757_555_200_123_456;

    #[test]
    fn literals_are_exact() {
        use TimestampKind::{WithZone, WithoutZone};
        assert_eq!(PgTimestamp(RAW).literal(WithoutZone), "timestamp '2024-01-03 00:00:00.123456'");
        assert_eq!(PgTimestamp(RAW).literal(WithZone), "timestamp with time zone '2024-01-03 00:00:00.123456+00'");
        assert_eq!(PgTimestamp(-1).literal(WithoutZone), "timestamp '1999-12-31 23:59:59.999999'");
        assert_eq!(PgTimestamp(MIN_RAW).literal(WithoutZone), "timestamp '4714-11-24 00:00:00.000000 BC'");
        assert_eq!(PgTimestamp::INFINITY.literal(WithoutZone), "timestamp 'infinity'");
        assert_eq!(PgTimestamp::NEG_INFINITY.literal(WithoutZone), "timestamp '-infinity'");
        assert_eq!(PgTimestamp(MAX_RAW - 1).literal(WithoutZone), "timestamp '294276-12-31 23:59:59.999999'");
    }

    #[test]
    fn there_and_back() {
        for zone in ["UTC", "America/New_York", "Asia/Kolkata", "+03:00"] {
            for raw in [RAW, 0, -1, -1_000_000_000_000_000, MIN_RAW, MAX_RAW - 1, -50_000_000_000_000_000] {
                for kind in [TimestampKind::WithZone, TimestampKind::WithoutZone] {
                    let instant = clock(zone).instant(kind, PgTimestamp(raw));
                    assert_eq!(clock(zone).timestamp(kind, instant), PgTimestamp(raw), "{zone} {raw} {kind:?}");
                }
            }
        }
    }

    #[test]
    fn offsets_keep_microseconds_and_key_order() {
        let instant = clock("UTC").instant(TimestampKind::WithoutZone, PgTimestamp(RAW));
        assert_eq!(
            serde_json::to_string(&instant.to_offset()).unwrap(),
            r#"{"timestamp_nanos":123456000,"timestamp":1704240000123}"#
        );
        let before_1970 = Instant { seconds: -1, micros: 500_000 };
        assert_eq!(before_1970.millis(), -500);
    }
}
