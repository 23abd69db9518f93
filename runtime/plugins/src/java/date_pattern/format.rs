//! Writing dates.

use std::fmt::Write;

use millstream_api::calendar::{days_from_mixed, mixed_from_days, weekday};

use super::{DAY, DAYS, DatePattern, Item, MONTHS};

/// A point in time, field by field.
struct Fields {
    day: i64,
    year: i64,
    month: u32,
    of_month: u32,
    /// Milliseconds of the day.
    time: i64,
}

impl DatePattern {
    /// Appends the text of a time in epoch milliseconds.
    pub fn format(&self, millis: i64, out: &mut String) {
        let day = millis.div_euclid(DAY);
        let (year, month, of_month) = mixed_from_days(day);
        let fields = Fields { day, year, month, of_month, time: millis.rem_euclid(DAY) };
        for item in &self.items {
            match item {
                Item::Literal(text) => out.push_str(text),
                Item::Field(letter, count) => fields.write(*letter, *count, out),
            }
        }
    }
}

impl Fields {
    fn write(&self, letter: char, count: usize, out: &mut String) {
        let hour = self.time / 3_600_000;
        let number = match letter {
            'G' => return out.push_str(if self.year > 0 { "AD" } else { "BC" }),
            'y' => return year(out, if self.year > 0 { self.year } else { 1 - self.year }, count),
            'Y' => return year(out, self.week_date().0, count),
            'M' | 'L' if count >= 3 => return name(out, &MONTHS, self.month as usize - 1, count),
            'M' | 'L' => self.month.into(),
            'w' => self.week_date().1,
            'W' => (i64::from(self.of_month) - 1 + self.weekday_of_first()) / 7 + 1,
            'D' => self.day - days_from_mixed(self.year, 1, 1) + 1,
            'd' => self.of_month.into(),
            'F' => (i64::from(self.of_month) - 1) / 7 + 1,
            'E' => return name(out, &DAYS, sunday_based(self.day) as usize, count),
            'u' => (sunday_based(self.day) + 6) % 7 + 1,
            'a' => return out.push_str(if hour < 12 { "AM" } else { "PM" }),
            'H' => hour,
            'k' => (hour + 23) % 24 + 1,
            'K' => hour % 12,
            'h' => (hour + 11) % 12 + 1,
            'm' => self.time / 60_000 % 60,
            's' => self.time / 1_000 % 60,
            'S' => self.time % 1_000,
            'z' => return out.push_str(if count < 4 { "UTC" } else { "Coordinated Universal Time" }),
            'Z' => return out.push_str("+0000"),
            _ => return out.push('Z'),
        };
        padded(out, number, count);
    }

    /// Days from Sunday of the month's first day.
    fn weekday_of_first(&self) -> i64 {
        sunday_based(self.day - i64::from(self.of_month) + 1)
    }

    /// Year and week: weeks begin on Sunday, the first is the one with January 1.
    fn week_date(&self) -> (i64, i64) {
        let first_week = |year: i64| {
            let first = days_from_mixed(year, 1, 1);
            first - sunday_based(first)
        };
        let next = first_week(self.year + 1);
        if self.day >= next {
            return (self.year + 1, (self.day - next) / 7 + 1);
        }
        (self.year, (self.day - first_week(self.year)) / 7 + 1)
    }
}

/// 0 is Sunday.
pub(super) fn sunday_based(day: i64) -> i64 {
    (weekday(day) + 4) % 7
}

fn padded(out: &mut String, number: i64, width: usize) {
    // Writing to a text does not fail.
    let _ = write!(out, "{number:0width$}");
}

/// Two letters stand for the last two digits.
fn year(out: &mut String, year: i64, count: usize) {
    match count {
        2 => padded(out, year.rem_euclid(100), 2),
        count => padded(out, year, count),
    }
}

fn name(out: &mut String, names: &[&str], index: usize, count: usize) {
    let name = names.get(index).copied().unwrap_or_default();
    out.push_str(if count >= 4 { name } else { name.get(..3).unwrap_or(name) });
}
