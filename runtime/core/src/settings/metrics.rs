//! The `metrics.*` settings of a worker: the windows that averages, maxima and rates look back over.

use std::time::Duration;

use millstream_api::ConfigValues;
use millstream_api::config::{ConfigDef, ConfigKey, ConfigType, Importance};

use crate::metrics::Windows;

/// The reporter every Java worker has. `/metrics` takes its place.
const JMX: &str = "org.apache.kafka.common.metrics.JmxReporter";

/// What the worker's metrics are computed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsSettings {
    /// `metrics.sample.window.ms` and `metrics.num.samples`.
    pub windows: Windows,
    /// `metrics.recording.level` asks for more: clients of tasks tell of quotas.
    pub debug: bool,
    /// Classes of `metric.reporters` other than Java's own: nothing of them runs here, which the worker says once.
    pub other_reporters: Vec<String>,
}

impl MetricsSettings {
    pub(super) fn of(values: &ConfigValues) -> Self {
        let number = |key: &str, default: u64| values.int(key).and_then(|n| u64::try_from(n).ok()).unwrap_or(default);
        let window = Duration::from_millis(number("metrics.sample.window.ms", 30_000));
        let samples = usize::try_from(number("metrics.num.samples", 2)).unwrap_or(2);
        let reporters = values.list("metric.reporters").iter();
        Self {
            windows: Windows::new(window, samples),
            debug: values.text("metrics.recording.level").is_some_and(|level| level != "INFO"),
            other_reporters: reporters
                .filter(|class| !matches!(class.as_str(), JMX | "JmxReporter"))
                .cloned()
                .collect(),
        }
    }
}

/// The keys, with Java's defaults.
pub(super) fn def() -> ConfigDef {
    use ConfigType::{Int, List, Long, String as Text};
    let low = Importance::Low;
    ConfigDef::new()
        .key(
            ConfigKey::with_default(
                "metrics.sample.window.ms",
                Long,
                30_000,
                low,
                "Length of one sample window of averages, maxima and rates, in milliseconds.",
            )
            .at_least(0),
        )
        .key(
            ConfigKey::with_default("metrics.num.samples", Int, 2, low, "Number of sample windows that are kept.")
                .at_least(1),
        )
        .key(
            ConfigKey::with_default(
                "metrics.recording.level",
                Text,
                "INFO",
                low,
                "INFO or DEBUG. With DEBUG clients of tasks tell of quotas of the brokers, at about 200 KiB of memory each.",
            )
            .one_of(["INFO", "DEBUG"]),
        )
        .key(ConfigKey::with_default(
            "metric.reporters",
            List,
            JMX,
            low,
            "Java classes that metrics are handed to. GET /metrics takes their place.",
        ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use millstream_api::Config;

    fn read(raw: &[(&str, &str)]) -> MetricsSettings {
        MetricsSettings::of(&def().validate(&raw.iter().copied().collect::<Config>()))
    }

    #[test]
    fn defaults_are_javas_and_other_reporters_are_named() {
        let settings = read(&[]);
        assert_eq!(settings.windows, Windows::new(Duration::from_secs(30), 2));
        assert!(settings.other_reporters.is_empty() && !settings.debug);
        assert!(read(&[("metrics.recording.level", "DEBUG")]).debug);
        let reporters = format!("{JMX}, com.example.Statsd");
        let settings = read(&[("metrics.num.samples", "5"), ("metric.reporters", &reporters)]);
        assert_eq!(settings.windows, Windows::new(Duration::from_secs(30), 5));
        assert_eq!(settings.other_reporters, ["com.example.Statsd"]);
        assert!(def().validate(&[("metrics.recording.level", "LOUD")].into_iter().collect()).into_valid().is_err());
    }
}
