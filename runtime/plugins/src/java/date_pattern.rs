//! Date patterns of Java's SimpleDateFormat, in UTC, with English names.

mod format;
mod parse;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Datelike, Months, Utc};

/// A day in milliseconds.
pub(crate) const DAY: i64 = 86_400_000;

/// Letters that mean something.
const LETTERS: &str = "GyYMLwWDdFEuaHkKhmsSzZX";

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// From Sunday on, as Java counts.
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A parsed pattern.
#[derive(Clone, Debug)]
pub(crate) struct DatePattern {
    items: Vec<Item>,
    /// Years of two digits are in the hundred years from then on: eighty years ago, as in Java.
    century_start: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq)]
enum Item {
    Literal(String),
    /// A letter and how often it stands there.
    Field(char, usize),
}

impl DatePattern {
    /// Of a pattern. An error is a sentence that does not name the setting.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let mut items = Vec::new();
        let mut literal = String::new();
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            if c == '\'' {
                if chars.next_if_eq(&'\'').is_some() {
                    literal.push('\'');
                    continue;
                }
                loop {
                    match chars.next() {
                        Some('\'') if chars.next_if_eq(&'\'').is_some() => literal.push('\''),
                        Some('\'') => break,
                        Some(c) => literal.push(c),
                        None => return Err("a quote in the date pattern is not closed".to_owned()),
                    }
                }
            } else if c.is_ascii_alphabetic() {
                if !LETTERS.contains(c) {
                    return Err(format!("the letter {c} means nothing in a date pattern"));
                }
                let mut count = 1;
                while chars.next_if_eq(&c).is_some() {
                    count += 1;
                }
                if c == 'X' && count > 3 {
                    return Err("a date pattern has at most three X in a row".to_owned());
                }
                if !literal.is_empty() {
                    items.push(Item::Literal(std::mem::take(&mut literal)));
                }
                items.push(Item::Field(c, count));
            } else {
                literal.push(c);
            }
        }
        if !literal.is_empty() {
            items.push(Item::Literal(literal));
        }
        Ok(Self { items, century_start: years_before(Utc::now(), 80) })
    }
}

impl DatePattern {
    /// Milliseconds over which the written text stays the same, counted from the epoch.
    pub fn step(&self) -> i64 {
        let has = |letters: &str| {
            self.items.iter().any(|item| matches!(item, Item::Field(letter, _) if letters.contains(*letter)))
        };
        match () {
            () if has("S") => 1,
            () if has("s") => 1_000,
            () if has("m") => 60_000,
            () if has("aHkKh") => 3_600_000,
            () => DAY,
        }
    }
}

fn years_before(time: DateTime<Utc>, years: u32) -> DateTime<Utc> {
    time.checked_sub_months(Months::new(years * 12)).unwrap_or(time)
}

/// Year and milliseconds of a time.
fn year_and_millis(time: DateTime<Utc>) -> (i64, i64) {
    (time.year().into(), time.timestamp_millis())
}
