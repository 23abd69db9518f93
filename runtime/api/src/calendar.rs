//! Days and dates in the Gregorian and Julian calendars, and in the mixture of both that Java's old date classes use.
//!
//! Days count from 1970-01-01; years count astronomically (0 is 1 BC). All functions work for all years of an `i32` and more.

/// Days from 1970-01-01 of the first Gregorian day of Java's mixed calendar, 1582-10-15.
pub const CUT_OVER: i64 = -141_427;

/// The day of a proleptic Gregorian date.
pub fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let (year, of_year) = of_march_year(year, month, day);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The proleptic Gregorian date of a day: year, month from 1, day of the month.
pub fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    month_and_day(year_of_era + era * 400, of_year)
}

/// The day of a Julian date.
pub fn days_from_julian(year: i64, month: u32, day: u32) -> i64 {
    let (year, of_year) = of_march_year(year, month, day);
    year.div_euclid(4) * 1_461 + year.rem_euclid(4) * 365 + of_year - 719_470
}

/// The Julian date of a day: year, month from 1, day of the month.
pub fn julian_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_470;
    let of_cycle = days.rem_euclid(1_461);
    let year_of_cycle = (of_cycle - of_cycle / 1_460) / 365;
    month_and_day(days.div_euclid(1_461) * 4 + year_of_cycle, of_cycle - 365 * year_of_cycle)
}

/// The date of a day in Java's mixed calendar: Julian before 1582-10-15, Gregorian from then on.
pub fn mixed_from_days(days: i64) -> (i64, u32, u32) {
    if days < CUT_OVER { julian_from_days(days) } else { civil_from_days(days) }
}

/// The day of a date in Java's mixed calendar. The ten days that were left out count on in the Julian calendar, as in Java.
pub fn days_from_mixed(year: i64, month: u32, day: u32) -> i64 {
    let days = days_from_civil(year, month, day);
    if days < CUT_OVER { days_from_julian(year, month, day) } else { days }
}

/// A year that begins in March, and the days of it before the date.
fn of_march_year(year: i64, month: u32, day: u32) -> (i64, i64) {
    let month = i64::from(month);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + i64::from(day) - 1;
    (if month <= 2 { year - 1 } else { year }, of_year)
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

/// The weekday of a day; 0 is Thursday.
pub fn weekday(days: i64) -> i64 {
    days.rem_euclid(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_agree() {
        for days in (-3_000_000..3_000_000).step_by(997) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
            let (year, month, day) = julian_from_days(days);
            assert_eq!(days_from_julian(year, month, day), days);
            let (year, month, day) = mixed_from_days(days);
            assert_eq!(days_from_mixed(year, month, day), days);
        }
        assert_eq!((civil_from_days(0), days_from_civil(2000, 2, 29)), ((1970, 1, 1), 11_016));
    }

    #[test]
    fn old_dates_are_julian() {
        assert_eq!(mixed_from_days(CUT_OVER), (1582, 10, 15));
        assert_eq!(mixed_from_days(CUT_OVER - 1), (1582, 10, 4));
        assert_eq!(days_from_mixed(1, 1, 1), -719_164);
        // A day that never was, as Java counts it.
        assert_eq!(days_from_mixed(1582, 10, 10), -141_422);
    }
}
