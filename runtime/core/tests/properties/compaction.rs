//! A log, and the same log with a part of it compacted, mean the same.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use millstream_api::{Config, TaskId};
use millstream_core::cluster::{
    ClusterState, ConfigRecord, OffsetTable, State, StatusTable, TargetState, encode_offset,
};
use proptest::prelude::*;

use crate::kinds::*;

type Raw = (Vec<u8>, Option<Vec<u8>>);

/// What the broker's cleaner makes of the first `cut` records: of each key the last one stays, and that goes too if it is
/// a tombstone and old enough.
fn compacted(log: &[Raw], cut: usize, tombstones_go: bool) -> Vec<(usize, &Raw)> {
    let newest: HashMap<&[u8], usize> = log[..cut].iter().enumerate().map(|(at, (key, _))| (&key[..], at)).collect();
    let stays = |(at, (key, value)): &(usize, &Raw)| {
        *at >= cut || newest[&key[..]] == *at && !(tombstones_go && value.is_none())
    };
    log.iter().enumerate().filter(stays).collect()
}

/// What workers do to the config topic; a task set may be left without its commit by a crash.
#[derive(Clone, Debug)]
enum Step {
    Connector(Arc<str>, Config, Option<TargetState>),
    Delete(Arc<str>),
    Target(Arc<str>, TargetState),
    Tasks { connector: Arc<str>, tasks: Vec<Config>, crash_after: usize },
    Fencing(Arc<str>, u32),
}

fn steps() -> impl Strategy<Value = Step> {
    let name = || prop::sample::select(vec!["a", "b", "a-0"]).prop_map(Arc::<str>::from);
    let config = || "[a-z]{1,3}".prop_map(|value| [("v", value.as_str())].into_iter().collect::<Config>());
    prop_oneof![
        3 => (name(), config(), prop::option::of(targets())).prop_map(|(n, c, t)| Step::Connector(n, c, t)),
        1 => name().prop_map(Step::Delete),
        2 => (name(), targets()).prop_map(|(name, state)| Step::Target(name, state)),
        4 => (name(), prop::collection::vec(config(), 0..4), prop_oneof![3 => Just(9), 1 => 0..4usize])
            .prop_map(|(connector, tasks, crash_after)| Step::Tasks { connector, tasks, crash_after }),
        1 => (name(), 0..4u32).prop_map(|(name, tasks)| Step::Fencing(name, tasks)),
    ]
}

fn written(steps: Vec<Step>) -> Vec<Raw> {
    let mut log = Vec::new();
    let mut put = |record: ConfigRecord| {
        let (key, value) = record.encode();
        log.push((key.into_bytes(), value));
    };
    for step in steps {
        match step {
            Step::Connector(name, config, target) => {
                if let Some(state) = target {
                    put(ConfigRecord::TargetState { connector: name.clone(), state: Some(state) });
                }
                put(ConfigRecord::Connector { name, config: Some(config) });
            }
            Step::Delete(name) => {
                put(ConfigRecord::Connector { name: name.clone(), config: None });
                put(ConfigRecord::TargetState { connector: name, state: None });
            }
            Step::Target(connector, state) => put(ConfigRecord::TargetState { connector, state: Some(state) }),
            Step::Tasks { connector, tasks, crash_after } => {
                let count = tasks.len();
                for (task, config) in (0..).zip(tasks).take(crash_after) {
                    put(ConfigRecord::Task { id: TaskId::new(connector.clone(), task), config });
                }
                if crash_after >= count {
                    put(ConfigRecord::Commit { connector, tasks: count as u32 });
                }
            }
            Step::Fencing(connector, tasks) => put(ConfigRecord::TaskFencing { connector, tasks }),
        }
    }
    log
}

fn fold<'a>(log: impl IntoIterator<Item = (usize, &'a Raw)>) -> ClusterState {
    let mut state = ClusterState::new();
    for (offset, (key, value)) in log {
        state.apply(ConfigRecord::decode(key, value.as_deref()).unwrap(), offset as i64);
    }
    state
}

proptest! {
    #[test]
    fn a_compacted_config_topic_says_the_same_or_asks_for_tasks_anew(
        steps in prop::collection::vec(steps(), 0..25), cut in any::<prop::sample::Index>(), tombstones_go: bool,
    ) {
        let log = written(steps);
        let whole = fold(log.iter().enumerate());
        let cut = cut.index(log.len() + 1);
        let state = fold(compacted(&log, cut, tombstones_go));
        prop_assert!(state.connectors().eq(whole.connectors()));
        if !tombstones_go {
            prop_assert_eq!(state.offset(), whole.offset());
        }
        for name in whole.connectors() {
            prop_assert_eq!(state.config(name), whole.config(name));
            prop_assert_eq!(state.target_state(name), whole.target_state(name));
            prop_assert_eq!(state.fenced_tasks(name), whole.fenced_tasks(name));
            // The commit may have come under a configuration that is gone: then there are no tasks until the connector makes them
            // again. But never others than those that were committed last.
            let tasks = state.task_configs(name);
            prop_assert!(tasks.is_empty() || tasks == whole.task_configs(name), "{}: {:?}", name, tasks);
            if cut == 0 {
                prop_assert_eq!(tasks, whole.task_configs(name));
            }
        }
    }

    #[test]
    fn a_compacted_status_topic_says_the_same(
        log in prop::collection::vec(status_log(), 0..30), cut in any::<prop::sample::Index>(), tombstones_go: bool,
    ) {
        let cut = cut.index(log.len() + 1);
        let table = |log: &mut dyn Iterator<Item = &Raw>| {
            let mut table = StatusTable::new();
            log.for_each(|(key, value)| table.apply(key, value.as_deref()).unwrap());
            table
        };
        let whole = table(&mut log.iter());
        let part = table(&mut compacted(&log, cut, tombstones_go).into_iter().map(|(_, record)| record));
        prop_assert_eq!(format!("{part:?}"), format!("{whole:?}"));
    }

    #[test]
    fn a_compacted_offsets_topic_says_the_same(
        log in prop::collection::vec(offset_log(), 0..30), cut in any::<prop::sample::Index>(), tombstones_go: bool,
    ) {
        let cut = cut.index(log.len() + 1);
        let table = |log: &mut dyn Iterator<Item = (usize, &Raw)>| {
            let mut table = OffsetTable::new();
            for (at, (key, value)) in log {
                // Not all of them can be read.
                let _ = table.apply(key, value.as_deref(), Some(at as i64));
            }
            let names: Vec<_> = table.connectors().cloned().collect();
            let of = |name: &Arc<str>| {
                let offsets = table.offsets(name).map(|(partition, offset)| (partition.canonical(), offset.clone()));
                (name.clone(), offsets.collect::<BTreeMap<_, _>>())
            };
            names.iter().map(of).collect::<BTreeMap<_, _>>()
        };
        let whole = table(&mut log.iter().enumerate());
        let mut part = compacted(&log, cut, tombstones_go);
        prop_assert_eq!(&table(&mut part.clone().into_iter()), &whole);
        // Keys lie in different partitions, and those are read in any order.
        part.sort_by_key(|(_, (key, _))| key.clone());
        prop_assert_eq!(table(&mut part.into_iter()), whole);
    }
}

/// Without UNASSIGNED: whether an old owner's farewell counts depends on what it finds.
fn status_log() -> impl Strategy<Value = Raw> {
    prop_oneof![
        (status_keys(), prop::option::of(statuses())).prop_map(|(key, status)| {
            let status = status.filter(|status| status.state != State::Unassigned);
            (key.encode().into_bytes(), status.and_then(|status| status.encode()))
        }),
        (topic_statuses(), any::<bool>())
            .prop_map(|(status, there)| (status.key().encode().into_bytes(), there.then(|| status.encode()))),
    ]
}

fn offset_log() -> impl Strategy<Value = Raw> {
    let key = prop::sample::select(vec![
        r#"["a",{"f":1}]"#,
        r#"["a",{"x":1,"y":2}]"#,
        r#"["a",{"y":2,"x":1}]"#,
        r#"["b",{}]"#,
        r#"["b",null]"#,
        "no key",
    ]);
    let value = prop_oneof![
        4 => flat_maps().prop_map(|map| Some(encode_offset(&map))),
        2 => Just(None),
        1 => prop::sample::select(vec!["{", "7", "null", ""]).prop_map(|text| Some(text.as_bytes().to_vec())),
    ];
    (key, value).prop_map(|(key, value)| (key.as_bytes().to_vec(), value))
}
