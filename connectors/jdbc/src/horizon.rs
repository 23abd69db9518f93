//! The upper bound of a read: which rows may be read now. The one place that decides it.

use crate::instant::PgTimestamp;

/// What the database says about time when a page begins.
#[derive(Clone, Copy, Debug)]
pub struct DatabaseClock {
    /// `CURRENT_TIMESTAMP` of the transaction that reads the page.
    pub now: PgTimestamp,
}

/// The exclusive upper bound, as an instant of UTC: the database's time less `timestamp.delay.interval.ms`, cut to milliseconds.
///
/// A row that is committed later with an earlier timestamp is missed, unless the delay covers it.
pub fn upper_bound(clock: DatabaseClock, delay_ms: i64) -> PgTimestamp {
    let bound = clock.now.0.saturating_sub(delay_ms.saturating_mul(1000));
    PgTimestamp(bound - bound.rem_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_may_be_negative_and_microseconds_are_cut() {
        let clock = DatabaseClock { now: PgTimestamp(757_555_200_123_456) };
        assert_eq!(upper_bound(clock, 0), PgTimestamp(757_555_200_123_000));
        assert_eq!(upper_bound(clock, 123), PgTimestamp(757_555_200_000_000));
        assert_eq!(upper_bound(clock, -1), PgTimestamp(757_555_200_124_000));
        assert_eq!(upper_bound(DatabaseClock { now: PgTimestamp(-1) }, 0), PgTimestamp(-1000));
        upper_bound(clock, i64::MAX);
    }
}
