//! Time zones as `db.timezone` names them, and Java's way from wall-clock time to an instant and back.

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;

use crate::calendar::{civil_from_days, days_from_civil, is_leap, weekday};

/// Seconds of 1900-01-01T00:00Z. Before it Java's calendar knows no history: today's standard offset counts.
const HISTORY_STARTS: i64 = -2_208_988_800;
/// Seconds of 2088-01-01: from then on the tables of the zone database may end, though its rules go on for ever.
const TABLES_END: i64 = 3_723_753_600;
const DAY: i64 = 86_400;

/// A time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// UTC.
    Utc,
    /// A fixed offset, in seconds east of UTC.
    Fixed(i32),
    /// A zone of the IANA database, with the standard offset of today in seconds.
    Named(Tz, i32),
}

impl Zone {
    /// Parses an id that `java.util.TimeZone` and `java.time.ZoneId` know: IANA names, Java's three-letter ids, `Z`, `+hh:mm`, and
    /// offsets after `GMT`, `UTC` or `UT`. Exact case.
    pub fn parse(id: &str) -> Option<Self> {
        if let Some((_, name)) = SHORT_IDS.iter().find(|(short, _)| *short == id) {
            return Self::parse(name);
        }
        if id == "Z" {
            return Some(Self::Utc);
        }
        for prefix in ["UTC", "GMT", "UT", ""] {
            if let Some(rest) = id.strip_prefix(prefix)
                && rest.starts_with(['+', '-'])
            {
                return offset(rest).map(Self::fixed);
            }
        }
        let zone: Tz = id.parse().ok()?;
        // Java lists neither of these; the IANA parser takes them.
        if id == "Factory" || id == "localtime" {
            return None;
        }
        let of_2036 = |month| {
            let day = chrono::NaiveDate::from_ymd_opt(2036, month, 1)?.and_hms_opt(0, 0, 0)?;
            Some(zone.offset_from_utc_datetime(&day).fix().local_minus_utc())
        };
        // Java counts summer time as an addition everywhere, also where the zone database has a negative winter time.
        let standard = of_2036(1)?.min(of_2036(7)?);
        Some(if matches!(zone, Tz::UTC | Tz::Etc__UTC) { Self::Utc } else { Self::Named(zone, standard) })
    }

    fn fixed(seconds: i32) -> Self {
        if seconds == 0 { Self::Utc } else { Self::Fixed(seconds) }
    }

    /// Seconds east of UTC at an instant (seconds since 1970), by Java's `Calendar`: without history before 1900.
    pub fn offset_at(self, instant: i64) -> i32 {
        match self {
            Self::Named(_, standard) if instant < HISTORY_STARTS => standard,
            _ => self.historic_offset_at(instant),
        }
    }

    /// Seconds east of UTC at an instant, by `java.time`: with the whole history of the zone.
    pub fn historic_offset_at(self, instant: i64) -> i32 {
        match self {
            Self::Utc => 0,
            Self::Fixed(seconds) => seconds,
            Self::Named(zone, standard) => utc_datetime(like_year(instant))
                .map_or(standard, |at| zone.offset_from_utc_datetime(&at).fix().local_minus_utc()),
        }
    }

    /// The instant of a wall-clock time, both in seconds since 1970. Of a time that comes twice the second pass counts; a time
    /// that is skipped is taken as the clock before the gap would have shown it, so it moves on by the gap.
    pub fn instant_of_wall(self, wall: i64) -> i64 {
        let Self::Named(..) = self else { return wall - i64::from(self.offset_at(wall)) };
        // Offsets a day before and after bracket any transition.
        let before = i64::from(self.offset_at(wall - DAY));
        let after = i64::from(self.offset_at(wall + DAY));
        if before == after && i64::from(self.offset_at(wall - before)) == before {
            return wall - before;
        }
        let late = wall - after;
        if i64::from(self.offset_at(late)) == after {
            return late;
        }
        wall - before
    }

    /// The wall-clock time of an instant, both in seconds since 1970.
    pub fn wall_of_instant(self, instant: i64) -> i64 {
        instant + i64::from(self.offset_at(instant))
    }

    /// SQL for this zone, as an argument of Postgres' `timezone()`.
    pub fn sql(self) -> String {
        match self {
            Self::Utc => "'UTC'".to_owned(),
            // A name such as GMT+3 would mean the opposite to Postgres.
            Self::Fixed(seconds) => format!("interval '{seconds} seconds'"),
            Self::Named(zone, _) => format!("'{}'", zone.name()),
        }
    }
}

/// A time of the same month, day and weekday pattern inside the tables, for times after their end.
fn like_year(instant: i64) -> i64 {
    if instant < TABLES_END {
        return instant;
    }
    let days = instant.div_euclid(DAY);
    let (year, ..) = civil_from_days(days);
    let pattern = |year| (is_leap(year), weekday(days_from_civil(year, 1, 1)));
    let like = (2060..2088).find(|candidate| pattern(*candidate) == pattern(year)).unwrap_or(2087);
    instant - (days_from_civil(year, 1, 1) - days_from_civil(like, 1, 1)) * DAY
}

fn utc_datetime(seconds: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp(seconds, 0).map(|at| at.naive_utc())
}

/// `+h`, `+hh`, `+hmm`, `+hhmm`, `+h:mm`, `+hh:mm`, `+hh:mm:ss`, up to 18 hours.
fn offset(text: &str) -> Option<i32> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text.get(1..)?;
    let number = |part: &str| {
        (part.len() <= 2 && !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse::<i32>().ok())?
    };
    let (hours, minutes, seconds) = if digits.contains(':') {
        let mut parts = digits.split(':');
        let hours = number(parts.next()?)?;
        let minutes = parts.next().filter(|part| part.len() == 2).and_then(number)?;
        let seconds = parts.next().map_or(Some(0), number)?;
        (parts.next().is_none()).then_some((hours, minutes, seconds))?
    } else {
        match digits.len() {
            1 | 2 => (number(digits)?, 0, 0),
            3 | 4 => {
                let (hours, minutes) = digits.split_at_checked(digits.len() - 2)?;
                (number(hours)?, number(minutes)?, 0)
            }
            _ => return None,
        }
    };
    let all = hours * 3600 + minutes * 60 + seconds;
    (minutes < 60 && seconds < 60 && all <= 18 * 3600).then_some(sign * all)
}

/// Java's three-letter ids (`ZoneId.SHORT_IDS`, and what `TimeZone` makes of EST, HST and MST).
const SHORT_IDS: &[(&str, &str)] = &[
    ("ACT", "Australia/Darwin"),
    ("AET", "Australia/Sydney"),
    ("AGT", "America/Argentina/Buenos_Aires"),
    ("ART", "Africa/Cairo"),
    ("AST", "America/Anchorage"),
    ("BET", "America/Sao_Paulo"),
    ("BST", "Asia/Dhaka"),
    ("CAT", "Africa/Harare"),
    ("CNT", "America/St_Johns"),
    ("CST", "America/Chicago"),
    ("CTT", "Asia/Shanghai"),
    ("EAT", "Africa/Addis_Ababa"),
    ("ECT", "Europe/Paris"),
    ("IET", "America/Indiana/Indianapolis"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MIT", "Pacific/Apia"),
    ("NET", "Asia/Yerevan"),
    ("NST", "Pacific/Auckland"),
    ("PLT", "Asia/Karachi"),
    ("PNT", "America/Phoenix"),
    ("PRT", "America/Puerto_Rico"),
    ("PST", "America/Los_Angeles"),
    ("SST", "Pacific/Guadalcanal"),
    ("VST", "Asia/Ho_Chi_Minh"),
    ("EST", "-05:00"),
    ("HST", "-10:00"),
    ("MST", "-07:00"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(id: &str) -> Zone {
        Zone::parse(id).unwrap()
    }

    #[test]
    fn ids() {
        assert_eq!(zone("UTC"), Zone::Utc);
        assert_eq!(zone("GMT+3"), Zone::Fixed(10_800));
        assert_eq!(zone("+03:00"), Zone::Fixed(10_800));
        assert_eq!(zone("-0530"), Zone::Fixed(-19_800));
        assert_eq!(zone("EST"), Zone::Fixed(-18_000));
        assert_eq!(zone("PST"), zone("America/Los_Angeles"));
        for id in ["", "utc", "Nope/Zone", "GMT+25", "+3:99", "europe/berlin", "+", "GMT+x"] {
            assert_eq!(Zone::parse(id), None, "{id}");
        }
    }

    #[test]
    fn gaps_and_repeated_hours() {
        let new_york = zone("America/New_York");
        // 2024-03-10 02:30 does not exist, 2024-11-03 01:30 comes twice.
        assert_eq!(new_york.instant_of_wall(1_710_037_800), 1_710_055_800);
        assert_eq!(new_york.instant_of_wall(1_730_597_400), 1_730_615_400);
        assert_eq!(new_york.wall_of_instant(1_730_611_800), 1_730_597_400);
        assert_eq!(new_york.instant_of_wall(1_730_599_200), 1_730_617_200);
    }

    #[test]
    fn far_years_have_summer_time_and_old_years_have_no_history() {
        let new_york = zone("America/New_York");
        let july_9999 = days_from_civil(9999, 7, 1) * DAY;
        assert_eq!(new_york.offset_at(july_9999), -4 * 3600);
        assert_eq!(new_york.offset_at(july_9999 + 180 * DAY), -5 * 3600);
        let year_1800 = days_from_civil(1800, 1, 1) * DAY;
        assert_eq!(new_york.offset_at(year_1800), -5 * 3600);
        assert_eq!(new_york.historic_offset_at(year_1800), -17_762);
        assert_eq!(zone("Europe/London").offset_at(0), 3600);
    }
}
