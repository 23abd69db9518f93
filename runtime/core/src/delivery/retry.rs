//! When a step that failed for now is taken again (`errors.retry.*`, KIP-298).

use std::time::Duration;

/// The first pause; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(300);

/// How long a step is taken again, and how long the pauses may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryLimits {
    /// `errors.retry.timeout`: from the first attempt on; `None` means for ever, zero not at all.
    pub timeout: Option<Duration>,
    /// `errors.retry.delay.max.ms`.
    pub delay_max: Duration,
}

impl RetryLimits {
    /// The pause after the `attempt`th attempt (from 1) that failed, `elapsed` after the first began; `None`: it was the last.
    ///
    /// A pause that would be longer than allowed is any shorter one: `random` chooses, so that many tasks do not come back at once.
    pub fn pause(&self, attempt: u32, elapsed: Duration, random: u64) -> Option<Duration> {
        let left = match self.timeout {
            Some(timeout) => timeout.checked_sub(elapsed).filter(|left| !left.is_zero())?,
            None => Duration::MAX,
        };
        let doubled = 1u32.checked_shl(attempt.saturating_sub(1)).and_then(|times| FIRST.checked_mul(times));
        let pause = match doubled.filter(|pause| *pause <= self.delay_max) {
            Some(pause) => pause,
            None => {
                let most = u64::try_from(self.delay_max.as_millis()).unwrap_or(u64::MAX);
                Duration::from_millis(random.checked_rem(most).unwrap_or_default())
            }
        };
        Some(pause.min(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(timeout: Option<u64>, delay_max: u64) -> RetryLimits {
        RetryLimits { timeout: timeout.map(Duration::from_millis), delay_max: Duration::from_millis(delay_max) }
    }

    fn millis(pause: Option<Duration>) -> Option<u128> {
        pause.map(|pause| pause.as_millis())
    }

    #[test]
    fn pauses_double_up_to_the_limits() {
        let ever = limits(None, 1500);
        let pauses: Vec<_> = (1..=4).map(|attempt| millis(ever.pause(attempt, Duration::ZERO, 3700))).collect();
        assert_eq!(pauses, [Some(300), Some(600), Some(1200), Some(700)]);
        assert_eq!(millis(ever.pause(u32::MAX, Duration::MAX, 1499)), Some(1499));
        assert_eq!(millis(limits(None, 0).pause(9, Duration::ZERO, 5)), Some(0));
    }

    #[test]
    fn none_begins_after_the_timeout() {
        let second = limits(Some(1000), 60_000);
        assert_eq!(millis(second.pause(1, Duration::from_millis(100), 0)), Some(300));
        assert_eq!(millis(second.pause(2, Duration::from_millis(900), 0)), Some(100));
        assert_eq!(second.pause(3, Duration::from_millis(1000), 0), None);
        assert_eq!(limits(Some(0), 60_000).pause(1, Duration::ZERO, 0), None);
    }
}
