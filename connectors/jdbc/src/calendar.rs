//! The calendar that dates of the source are read in.

use millstream_api::calendar::{CUT_OVER, days_from_julian, julian_from_days};
pub use millstream_api::calendar::{civil_from_days, days_from_civil, is_leap, weekday};

/// `date.calendar.system`: which calendar the year, month and day of a value are read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarSystem {
    /// Julian before 1582-10-15, Gregorian from then on.
    Legacy,
    /// Gregorian for all times, as Postgres itself counts.
    ProlepticGregorian,
}

impl CalendarSystem {
    /// Days since 1970-01-01 that Java gives for a date that Postgres counts as `days`.
    pub fn java_days(self, days: i64) -> i64 {
        if self == Self::ProlepticGregorian || days >= CUT_OVER {
            return days;
        }
        let (year, month, day) = civil_from_days(days);
        days_from_julian(year, month, day)
    }

    /// What Postgres counts for a date to which Java gives `days`.
    pub fn postgres_days(self, days: i64) -> i64 {
        if self == Self::ProlepticGregorian || days >= CUT_OVER {
            return days;
        }
        let (year, month, day) = julian_from_days(days);
        days_from_civil(year, month, day)
    }
}

/// Days from 1970-01-01 to Postgres' epoch, 2000-01-01.
pub const DAYS_TO_2000: i64 = 10_957;

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    #[test]
    fn days_and_dates_agree() {
        for days in (-3_000_000..3_000_000).step_by(997) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
            let date = NaiveDate::from_ymd_opt(year as i32, month, day).unwrap();
            assert_eq!(date.signed_duration_since(NaiveDate::default()).num_days(), days);
        }
    }

    #[test]
    fn old_dates_are_julian() {
        let legacy = CalendarSystem::Legacy;
        // 1582-10-15, 1582-10-04, 0001-01-01, 44-03-15 BC.
        for (civil, java) in [(-141_427, -141_427), (-141_438, -141_428), (-719_162, -719_164)] {
            assert_eq!(legacy.java_days(civil), java);
            assert_eq!(legacy.postgres_days(java), civil);
            assert_eq!(CalendarSystem::ProlepticGregorian.java_days(civil), civil);
        }
        assert_eq!(legacy.java_days(days_from_civil(-43, 3, 15)), days_from_civil(-43, 3, 15) - 2);
    }
}
