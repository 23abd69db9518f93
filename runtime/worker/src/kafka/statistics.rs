//! What librdkafka's statistics say of quotas, without a tree of them: they are tens of kilobytes of JSON.

use std::sync::atomic::{AtomicU64, Ordering};

/// By how much brokers delayed their answers because a quota was exceeded, since the last statistics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throttle {
    /// Longest delay, in milliseconds; 0 where no answer was delayed.
    pub max_ms: f64,
    /// Mean over all answers, in milliseconds.
    pub mean_ms: f64,
}

/// Reads the statistics of one client, one after the other.
#[derive(Debug, Default)]
pub struct StatisticsReader {
    /// Answers of all brokers up to the last statistics.
    answers: AtomicU64,
}

impl StatisticsReader {
    /// The quotas in these statistics.
    pub fn throttle(&self, json: &[u8]) -> Throttle {
        let text = String::from_utf8_lossy(json);
        // The last one is the sum over all brokers.
        let answers = text.rfind("\"rx\":").and_then(|at| number(text.get(at..)?, "\"rx\":")).unwrap_or(0);
        let before = self.answers.swap(answers, Ordering::Relaxed);
        let (mut max, mut sum, mut delayed) = (0, 0, 0);
        for broker in text.split("\"throttle\":").skip(1) {
            let window = broker.trim_start().strip_prefix('{').and_then(|rest| rest.split_once('}'));
            // A topic may have this name, which does not begin as a window does.
            let Some((window, _)) = window.filter(|(window, _)| window.trim_start().starts_with("\"min\":")) else {
                continue;
            };
            max = max.max(number(window, "\"max\":").unwrap_or(0));
            sum += number(window, "\"sum\":").unwrap_or(0);
            delayed += number(window, "\"cnt\":").unwrap_or(0);
        }
        let all = answers.saturating_sub(before).max(delayed).max(1);
        Throttle { max_ms: max as f64, mean_ms: sum as f64 / all as f64 }
    }
}

/// The number behind a key.
fn number(text: &str, key: &str) -> Option<u64> {
    let (_, rest) = text.split_once(key)?;
    let rest = rest.trim_start();
    rest.get(..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_of_all_brokers_over_all_answers() {
        let window = |max, sum, count| {
            format!(
                r#""throttle": {{ "min":0, "max":{max}, "avg":1, "sum":{sum}, "stddev": 0, "p50": 0, "outofrange": 0, "hdrsize": 8, "cnt":{count}}}"#
            )
        };
        let statistics = |first: &str, second: &str, answers: u64| {
            let brokers =
                format!(r#""a": {{ "rx":7, "rtt": {{ "max":99, "cnt":9}}, {first}}} , "b": {{ "rx":9, {second}}}"#);
            let topic = r#""topics":{ "throttle": { "topic":"throttle", "age":1, "max":77, "batchsize": { "cnt":5} }}"#;
            format!(r#"{{ "name": "c", "brokers":{{ {brokers} }}, {topic}, "tx":1, "rx":{answers}, "rx_bytes":7 }}"#)
        };
        let reader = StatisticsReader::default();
        let quiet = statistics(&window(0, 0, 0), &window(0, 0, 0), 10);
        assert_eq!(reader.throttle(quiet.as_bytes()), Throttle { max_ms: 0.0, mean_ms: 0.0 });
        let busy = statistics(&window(300, 500, 2), &window(100, 100, 1), 30);
        assert_eq!(reader.throttle(busy.as_bytes()), Throttle { max_ms: 300.0, mean_ms: 30.0 });
        let nothing = Throttle { max_ms: 0.0, mean_ms: 0.0 };
        assert_eq!([&b"{"[..], b"\"throttle\":", b"\xff"].map(|json| reader.throttle(json)), [nothing; 3]);
    }
}
