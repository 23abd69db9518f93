//! Reading dates, as leniently as Java: fields may be out of range, and text may follow.

use millstream_api::calendar::{CUT_OVER, days_from_civil, days_from_julian};

use super::format::sunday_based;
use super::{DAY, DAYS, DatePattern, Item, MONTHS, year_and_millis};
use crate::java::number::{digit, whole};

/// Zones that go by a name, in minutes east.
const ZONES: [(&str, i64); 10] = [
    ("UTC", 0),
    ("GMT", 0),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
];

/// What was read so far. Of fields that say the same in other ways, the last one counts.
#[derive(Default)]
struct Read {
    before_christ: bool,
    year: Option<i64>,
    /// The year of a week date, when it came after any plain year.
    week_year: Option<i64>,
    month: Option<i64>,
    day: Day,
    week: Option<i64>,
    /// From Sunday, 0.
    weekday: Option<i64>,
    /// Of these three, with how many such fields came before.
    afternoon: Option<(usize, bool)>,
    hour: Option<(usize, i64)>,
    half_day_hour: Option<(usize, i64)>,
    minute: i64,
    second: i64,
    milli: i64,
    zone: i64,
    /// The year had two digits, and is the first of the hundred years that it may be of.
    ambiguous: bool,
}

#[derive(Default)]
enum Day {
    #[default]
    None,
    OfMonth(i64),
    OfYear(i64),
    OfWeek,
}

struct Input<'a> {
    text: &'a str,
    at: usize,
}

impl DatePattern {
    /// The epoch milliseconds of a text. An error is a sentence without the text.
    pub fn parse(&self, text: &str) -> Result<i64, String> {
        let mut input = Input { text, at: 0 };
        let mut read = Read::default();
        for (place, item) in self.items.iter().enumerate() {
            match item {
                Item::Literal(literal) => {
                    if !input.rest().starts_with(literal.as_str()) {
                        return Err(input.wrong("the pattern has another text"));
                    }
                    input.at += literal.len();
                }
                Item::Field(letter, count) => {
                    // A number that another one follows at once has as many digits as letters.
                    let exact = match self.items.get(place + 1) {
                        Some(Item::Field('M' | 'L', count)) => *count <= 2,
                        Some(Item::Field(next, _)) => !"GEazZX".contains(*next),
                        _ => false,
                    };
                    self.field(&mut input, &mut read, *letter, *count, exact)?;
                }
            }
        }
        if input.at == 0 {
            return Err("the pattern reads nothing of the text".to_owned());
        }
        let millis = read.millis();
        let starts = year_and_millis(self.century_start).1;
        let millis = match millis {
            Some(early) if read.ambiguous && early < starts => {
                let later = |year: Option<i64>| year.map(|year| year + 100);
                (read.year, read.week_year) = (later(read.year), later(read.week_year));
                read.millis()
            }
            other => other,
        };
        millis.ok_or_else(|| "the date is too far away".to_owned())
    }

    fn field(
        &self,
        input: &mut Input<'_>,
        read: &mut Read,
        letter: char,
        count: usize,
        exact: bool,
    ) -> Result<(), String> {
        // Blanks before the digits count among them, as in Java.
        let end = exact.then_some(input.at + count);
        let start = input.at;
        input.skip_blanks()?;
        // Names begin where the field does: only numbers and zones may have blanks before.
        let is_name = "GEa".contains(letter) || ("ML".contains(letter) && count > 2);
        if is_name && input.at > start {
            return Err(input.wrong("a name is missing"));
        }
        let stamp = [read.afternoon.is_some(), read.hour.is_some(), read.half_day_hour.is_some()];
        let stamp = stamp.into_iter().filter(|set| *set).count();
        match letter {
            'G' => read.before_christ = input.name(&["AD", "BC"], false)? == 1,
            'M' | 'L' if count > 2 => read.month = Some(input.name(&MONTHS, true)? as i64),
            'E' => read.weekday = Some(input.name(&DAYS, true)? as i64),
            'a' => read.afternoon = Some((stamp, input.name(&["AM", "PM"], false)? == 1)),
            'z' | 'Z' | 'X' => read.zone = input.zone(letter, count)?,
            letter => {
                let start = input.at;
                let number = input.number(end)?;
                self.number(read, (letter, count, stamp), number, input.text.get(start..input.at).unwrap_or_default())?;
            }
        }
        Ok(())
    }

    fn number(
        &self,
        read: &mut Read,
        (letter, count, stamp): (char, usize, usize),
        number: i64,
        text: &str,
    ) -> Result<(), String> {
        match letter {
            'y' | 'Y' => {
                let two_digits = count <= 2 && text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
                let year = if two_digits { self.full_year(read, number) } else { number };
                if letter == 'Y' {
                    read.week_year = Some(year);
                } else {
                    (read.year, read.week_year) = (Some(year), None);
                }
            }
            'M' | 'L' => read.month = Some(number - 1),
            'd' => read.day = Day::OfMonth(number),
            'D' => read.day = Day::OfYear(number),
            'w' => (read.week, read.day) = (Some(number), Day::OfWeek),
            // What is no weekday from Monday, 1, counts from Sunday, 1.
            'u' if (1..=7).contains(&number) => read.weekday = Some(number % 7),
            'u' => read.weekday = Some((number - 1).rem_euclid(7)),
            'H' | 'k' => read.hour = Some((stamp, if letter == 'k' && number == 24 { 0 } else { number })),
            'K' | 'h' => read.half_day_hour = Some((stamp, if letter == 'h' && number == 12 { 0 } else { number })),
            'm' => read.minute = number,
            's' => read.second = number,
            'S' => read.milli = number,
            other => return Err(format!("dates cannot be read by the letter {other} of a pattern")),
        }
        Ok(())
    }

    fn full_year(&self, read: &mut Read, two_digits: i64) -> i64 {
        let start = year_and_millis(self.century_start).0;
        let (century, year) = (start / 100 * 100, start % 100);
        read.ambiguous = two_digits == year;
        century + two_digits + if two_digits < year { 100 } else { 0 }
    }
}

impl Read {
    /// `None` beyond the range of the type.
    fn millis(&self) -> Option<i64> {
        let time = self.hours() * 3_600_000 + self.minute * 60_000 + self.second * 1_000 + self.milli;
        self.day_number()?.checked_mul(DAY)?.checked_add(time - self.zone * 60_000)
    }

    /// The hour of half a day counts only with its half, unless it is all there is.
    fn hours(&self) -> i64 {
        let by_half = match (self.half_day_hour, self.afternoon, self.hour) {
            (Some((hour, _)), Some((half, _)), Some((whole, _))) => hour.max(half) > whole,
            (_, _, whole) => whole.is_none(),
        };
        match (by_half, self.hour) {
            (false, Some((_, hour))) => hour,
            _ => {
                let afternoon = self.afternoon.is_some_and(|(_, afternoon)| afternoon);
                self.half_day_hour.map_or(0, |(_, hour)| hour) + if afternoon { 12 } else { 0 }
            }
        }
    }

    fn day_number(&self) -> Option<i64> {
        let of_era = |year: i64| if self.before_christ { 1 - year } else { year };
        if let Some(year) = self.week_year {
            let week = self.week.unwrap_or(1);
            return Some(week_start(of_era(year)) + (week - 1) * 7 + self.weekday.unwrap_or(0));
        }
        let year = of_era(self.year.unwrap_or(1970));
        Some(match self.day {
            Day::OfYear(day) => mixed(year, 0, day),
            Day::OfWeek if self.weekday.is_some() => {
                week_start(year) + (self.week.unwrap_or(1) - 1) * 7 + self.weekday.unwrap_or(0)
            }
            Day::OfWeek => week_start(year) + (self.week.unwrap_or(1) - 1) * 7,
            Day::OfMonth(day) => mixed(year, self.month.unwrap_or(0), day),
            Day::None => {
                let first = mixed(year, self.month.unwrap_or(0), 1);
                // The first such day of the month.
                first + self.weekday.map_or(0, |weekday| (weekday - sunday_based(first)).rem_euclid(7))
            }
        })
    }
}

/// The Sunday of the week with January 1.
fn week_start(year: i64) -> i64 {
    let first = mixed(year, 0, 1);
    first - sunday_based(first)
}

/// A day counted from the first of a month, both of which may be out of range. Months count from 0.
fn mixed(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = (year + month.div_euclid(12), month.rem_euclid(12) as u32 + 1);
    let gregorian = days_from_civil(year, month, 1) + day - 1;
    if gregorian >= CUT_OVER { gregorian } else { days_from_julian(year, month, 1) + day - 1 }
}

impl<'a> Input<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn wrong(&self, what: &str) -> String {
        format!("{what} at character {}", self.at)
    }

    fn skip_blanks(&mut self) -> Result<(), String> {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches([' ', '\t']);
        self.at += rest.len() - trimmed.len();
        if trimmed.is_empty() { Err(self.wrong("the text ends before the pattern")) } else { Ok(()) }
    }

    /// A whole number, that ends at `end` at the latest.
    fn number(&mut self, end: Option<usize>) -> Result<i64, String> {
        let rest = match end {
            Some(end) if end > self.text.len() => return Err(self.wrong("too few digits")),
            Some(end) => self.text.get(self.at..end).unwrap_or_default(),
            None => self.rest(),
        };
        let unsigned = rest.strip_prefix('-').unwrap_or(rest);
        let len = unsigned.find(|c| digit(c).is_none()).unwrap_or(unsigned.len());
        if len == 0 {
            return Err(self.wrong("a number is missing"));
        }
        let end = rest.len() - unsigned.len() + len;
        self.at += end;
        // As Java's conversions: what is too long for a long is the end of the range, and of a long the low half counts.
        let far = i64::from(if unsigned.len() < rest.len() { i32::MIN } else { i32::MAX });
        let number = rest.get(..end).and_then(whole).map_or(far, |number| (number as i32).into());
        Ok(number)
    }

    /// The place of the longest name that stands here, in full or (when `short`) by its first three letters; any case.
    fn name(&mut self, names: &[&str], short: bool) -> Result<usize, String> {
        let rest = self.rest();
        let starts = |name: &str| rest.get(..name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name));
        let longest = names
            .iter()
            .enumerate()
            .filter_map(|(place, name)| {
                let abbreviated = name.get(..3).filter(|_| short).unwrap_or(name);
                let len = [*name, abbreviated].into_iter().find(|name| starts(name))?.len();
                Some((len, place))
            })
            .max_by_key(|(len, place)| (*len, std::cmp::Reverse(*place)));
        let (len, place) = longest.ok_or_else(|| self.wrong("a name is missing"))?;
        self.at += len;
        Ok(place)
    }

    /// Minutes east.
    fn zone(&mut self, letter: char, count: usize) -> Result<i64, String> {
        if letter == 'X' {
            if self.rest().starts_with('Z') {
                self.at += 1;
                return Ok(0);
            }
            return self.offset(count != 1, count == 3, false);
        }
        if self.rest().starts_with(['+', '-']) {
            return self.offset(true, false, false);
        }
        let rest = self.rest();
        let starts = |name: &str| rest.get(..name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name));
        let known = ZONES.iter().find(|(name, _)| starts(name));
        let (name, minutes) = known.ok_or_else(|| self.wrong("the time zone is not known"))?;
        self.at += name.len();
        if *name == "GMT" && self.rest().starts_with(['+', '-']) {
            return self.offset(true, true, true);
        }
        Ok(*minutes)
    }

    /// `+hh`, `+hhmm` or, with `colon`, `+hh:mm`, where the hour may be a `short_hour` of one digit.
    fn offset(&mut self, minutes: bool, colon: bool, short_hour: bool) -> Result<i64, String> {
        let wrong = self.wrong("the offset of the time zone is not understood");
        let rest = self.rest();
        let (sign, digits) = match (rest.strip_prefix('+'), rest.strip_prefix('-')) {
            (Some(digits), _) => (1, digits),
            (_, Some(digits)) => (-1, digits),
            _ => return Err(wrong),
        };
        let part = |text: Option<&str>| {
            let text = text.filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?;
            text.parse::<i64>().ok()
        };
        let one_digit = short_hour && digits.get(1..2) == Some(":");
        let hour_len = if one_digit { 1 } else { 2 };
        let hour = part(digits.get(..hour_len)).filter(|hour| *hour < 24).ok_or_else(|| wrong.clone())?;
        let mut len = 1 + hour_len;
        let mut total = hour * 60;
        if minutes {
            let start = hour_len + usize::from(colon);
            if colon && digits.get(hour_len..start) != Some(":") {
                return Err(wrong);
            }
            total += part(digits.get(start..start + 2)).filter(|minute| *minute < 60).ok_or(wrong)?;
            len = 1 + start + 2;
        }
        self.at += len;
        Ok(sign * total)
    }
}
