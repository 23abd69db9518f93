//! Averages, maxima and rates over a moving window.
//!
//! Kafka keeps a few samples of fixed length, one after the other, and looks back over those that are not too old: with two samples of 30
//! seconds an average covers the last 30 to 60. The same is done here, so that a figure means what it means on a Java worker.

use std::time::Duration;

/// How long a sample is and how many are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    millis: u64,
    samples: usize,
}

impl Windows {
    /// `metrics.sample.window.ms` and `metrics.num.samples`; at least one sample of a millisecond.
    pub fn new(window: Duration, samples: usize) -> Self {
        let millis = u64::try_from(window.as_millis()).unwrap_or(u64::MAX).max(1);
        Self { millis, samples: samples.max(1) }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    start: u64,
    last_event: u64,
    count: u64,
    sum: f64,
    max: f64,
}

impl Sample {
    fn at(now: u64) -> Self {
        Self { start: now, last_event: now, count: 0, sum: 0.0, max: f64::NEG_INFINITY }
    }
}

/// Recorded values of the last few windows. Times are milliseconds of any clock that does not go back.
#[derive(Debug)]
pub struct Sampled {
    windows: Windows,
    samples: Vec<Sample>,
    current: usize,
}

impl Sampled {
    /// Nothing recorded yet.
    pub fn new(windows: Windows) -> Self {
        Self { windows, samples: Vec::new(), current: 0 }
    }

    /// Takes a value.
    pub fn record(&mut self, value: f64, now: u64) {
        let sample = self.sample(now);
        sample.last_event = now;
        sample.count += 1;
        sample.sum += value;
        sample.max = sample.max.max(value);
    }

    /// Mean of the values; NaN without any.
    pub fn avg(&mut self, now: u64) -> f64 {
        self.forget_old(now);
        let count: u64 = self.samples.iter().map(|s| s.count).sum();
        if count == 0 { f64::NAN } else { self.sum() / count as f64 }
    }

    /// Largest value; NaN without any.
    pub fn max(&mut self, now: u64) -> f64 {
        self.forget_old(now);
        let max = self.samples.iter().map(|s| s.max).fold(f64::NEG_INFINITY, f64::max);
        if max == f64::NEG_INFINITY { f64::NAN } else { max }
    }

    /// Sum of the values per second. The time counts from the oldest sample on, and as at least all windows but one: a first value does
    /// not show as a peak.
    pub fn rate(&mut self, now: u64) -> f64 {
        self.forget_old(now);
        let Some(oldest) = self.samples.iter().map(|s| s.start).min() else { return 0.0 };
        let Windows { millis, samples } = self.windows;
        let mut elapsed = now.saturating_sub(oldest);
        let least = (samples - 1) as u64;
        let full = elapsed / millis;
        if full < least {
            elapsed += (least - full) * millis;
        }
        self.sum() / (elapsed.max(millis) as f64 / 1000.0)
    }

    fn sum(&self) -> f64 {
        self.samples.iter().map(|s| s.sum).sum()
    }

    /// The sample that takes what is recorded now.
    fn sample(&mut self, now: u64) -> &mut Sample {
        if self.samples.get(self.current).is_some_and(|s| now.saturating_sub(s.start) >= self.windows.millis) {
            self.current = (self.current + 1) % self.windows.samples;
            if let Some(sample) = self.samples.get_mut(self.current) {
                *sample = Sample::at(now);
            }
        }
        while self.samples.len() <= self.current {
            self.samples.push(Sample::at(now));
        }
        let current = self.current;
        &mut self.samples[current]
    }

    fn forget_old(&mut self, now: u64) {
        let age = self.windows.millis.saturating_mul(self.windows.samples as u64);
        for sample in &mut self.samples {
            if now.saturating_sub(sample.last_event) >= age {
                *sample = Sample::at(now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_of_30_s() -> Sampled {
        Sampled::new(Windows::new(Duration::from_secs(30), 2))
    }

    #[test]
    fn averages_and_maxima_look_back_over_the_windows() {
        let mut sampled = two_of_30_s();
        assert!(sampled.avg(0).is_nan() && sampled.max(0).is_nan());
        sampled.record(10.0, 0);
        sampled.record(20.0, 29_999);
        assert_eq!((sampled.avg(30_000), sampled.max(30_000)), (15.0, 20.0));
        sampled.record(3.0, 30_000);
        assert_eq!((sampled.avg(40_000), sampled.max(40_000)), (11.0, 20.0));
        // The third window takes the place of the first.
        sampled.record(5.0, 60_000);
        assert_eq!((sampled.avg(60_000), sampled.max(60_000)), (4.0, 5.0));
        // Nothing since for two windows.
        assert!(sampled.max(120_000).is_nan());
        assert_eq!(sampled.rate(120_000), 0.0);
    }

    #[test]
    fn a_rate_counts_from_the_oldest_sample() {
        let mut sampled = two_of_30_s();
        assert_eq!(sampled.rate(0), 0.0);
        sampled.record(60.0, 0);
        // One window is the least that counts: 60 in 30 s, then in 31 s beyond the missing one.
        assert_eq!(sampled.rate(0), 2.0);
        assert_eq!(sampled.rate(10_000), 60.0 / 40.0);
        assert_eq!(sampled.rate(30_000), 2.0);
        sampled.record(60.0, 30_000);
        assert_eq!(sampled.rate(60_000), 2.0);
    }

    #[test]
    fn one_sample_alone_works() {
        let mut sampled = Sampled::new(Windows::new(Duration::ZERO, 0));
        sampled.record(7.0, 5);
        sampled.record(8.0, 6);
        assert_eq!(sampled.max(6), 8.0);
    }
}
