//! Settings of automatic restarts: Millstream's own, in a group of their own after Kafka Connect's.

use millstream_api::config::{ConfigDef, ConfigKey, ConfigType, Importance, Width};

use crate::cluster::RestartPolicy;

const GROUP: &str = "Automatic Restart";

/// Adds the `errors.task.restart.*` keys.
pub(super) fn restart_keys(def: ConfigDef) -> ConfigDef {
    let default = RestartPolicy::default();
    let millis = |time: std::time::Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let key =
        |name: &str, kind: ConfigType, default: i64, importance: Importance, order: i32, doc: &str, shown: &str| {
            ConfigKey::with_default(name, kind, default, importance, doc)
                .shown(GROUP, order, Width::Medium, shown)
                .at_least(0)
        };
    def.key(key(
        RestartPolicy::MAX,
        ConfigType::Int,
        i64::from(default.max),
        Importance::Medium,
        1,
        "How often a connector or task that failed is restarted by itself before it stays FAILED; 0: never. Each counts for itself.",
        "Automatic Restarts",
    ))
    .key(key(
        RestartPolicy::DELAY,
        ConfigType::Long,
        millis(default.delay),
        Importance::Low,
        2,
        "Wait before the first automatic restart, in ms; doubled for each further one.",
        "Delay Before a Restart",
    ))
    .key(key(
        RestartPolicy::DELAY_MAX,
        ConfigType::Long,
        millis(default.delay_max),
        Importance::Low,
        3,
        "Longest wait before an automatic restart, in ms.",
        "Longest Delay Before a Restart",
    ))
    .key(key(
        RestartPolicy::RESET,
        ConfigType::Long,
        millis(default.reset),
        Importance::Low,
        4,
        "After running for so long, in ms, automatic restarts are counted anew.",
        "Time That Counts as Healthy",
    ))
}
