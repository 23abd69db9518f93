//! Dates as Java prints them.

use crate::calendar::{mixed_from_days, weekday};

const DAY: i64 = 86_400_000;
const WEEKDAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// Appends what Java's `Date.toString` gives in UTC for epoch milliseconds: `Thu Jan 01 00:00:00 UTC 1970`, in Java's mixed calendar. Years
/// before 1 count backwards from 1.
pub fn write_date(out: &mut Vec<u8>, millis: i64) {
    let (days, seconds) = (millis.div_euclid(DAY), millis.rem_euclid(DAY) / 1000);
    let (year, month, day) = mixed_from_days(days);
    let year = if year > 0 { year } else { 1 - year };
    out.extend_from_slice(WEEKDAYS.get(weekday(days) as usize).copied().unwrap_or(b"   "));
    out.push(b' ');
    out.extend_from_slice(MONTHS.get(month.wrapping_sub(1) as usize).copied().unwrap_or(b"   "));
    for (before, number) in
        [(b' ', i64::from(day)), (b' ', seconds / 3600), (b':', seconds / 60 % 60), (b':', seconds % 60)]
    {
        out.extend_from_slice(&[before, b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]);
    }
    out.extend_from_slice(b" UTC ");
    out.extend_from_slice(itoa::Buffer::new().format(year).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_java() {
        for (millis, text) in [
            (0, "Thu Jan 01 00:00:00 UTC 1970"),
            (-1, "Wed Dec 31 23:59:59 UTC 1969"),
            (1_700_000_000_123, "Tue Nov 14 22:13:20 UTC 2023"),
            (-12_219_292_800_000, "Fri Oct 15 00:00:00 UTC 1582"),
            (-12_219_292_800_001, "Thu Oct 04 23:59:59 UTC 1582"),
            (-62_135_769_600_001, "Fri Dec 31 23:59:59 UTC 1"),
            (253_402_300_800_000, "Sat Jan 01 00:00:00 UTC 10000"),
        ] {
            let mut out = Vec::new();
            write_date(&mut out, millis);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
