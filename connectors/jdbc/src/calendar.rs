//! Days and dates in the Gregorian and Julian calendars, and the mixture of both that Java's old date classes use.

/// Days from 1970-01-01 of the first Gregorian day of Java's mixed calendar, 1582-10-15.
const CUT_OVER: i64 = -141_427;

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

/// Days since 1970-01-01 of a proleptic Gregorian date; years count astronomically (0 is 1 BC). For all years of an `i32` and more.
pub fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let month = i64::from(month);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The proleptic Gregorian date of a day counted from 1970-01-01.
pub fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    month_and_day(year_of_era + era * 400, of_year)
}

fn days_from_julian(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = i64::from(month);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + i64::from(day) - 1;
    year.div_euclid(4) * 1_461 + year.rem_euclid(4) * 365 + of_year - 719_470
}

fn julian_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_470;
    let of_cycle = days.rem_euclid(1_461);
    let year_of_cycle = (of_cycle - of_cycle / 1_460) / 365;
    month_and_day(days.div_euclid(1_461) * 4 + year_of_cycle, of_cycle - 365 * year_of_cycle)
}

/// From a year that begins in March and a day within it.
fn month_and_day(year: i64, of_year: i64) -> (i64, u32, u32) {
    let month = (5 * of_year + 2) / 153;
    let day = (of_year - (153 * month + 2) / 5 + 1) as u32;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (if month <= 2 { year + 1 } else { year }, month as u32, day)
}

/// True in a leap year of the proleptic Gregorian calendar.
pub fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

/// The weekday of a day counted from 1970-01-01; 0 is Thursday.
pub fn weekday(days: i64) -> i64 {
    days.rem_euclid(7)
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
            let (year, month, day) = julian_from_days(days);
            assert_eq!(days_from_julian(year, month, day), days);
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
