use super::*;

fn config(pairs: &[(&str, &str)]) -> Config {
    pairs.iter().copied().collect()
}

fn connector(value: &str) -> ConfigRecord {
    ConfigRecord::Connector { name: "a".into(), config: Some(config(&[("v", value)])) }
}

fn deleted() -> ConfigRecord {
    ConfigRecord::Connector { name: "a".into(), config: None }
}

fn task(number: u32, value: &str) -> ConfigRecord {
    ConfigRecord::Task { id: TaskId::new("a", number), config: config(&[("t", value)]) }
}

fn commit(tasks: u32) -> ConfigRecord {
    ConfigRecord::Commit { connector: "a".into(), tasks }
}

fn target(state: Option<TargetState>) -> ConfigRecord {
    ConfigRecord::TargetState { connector: "a".into(), state }
}

fn fold(records: Vec<ConfigRecord>) -> ClusterState {
    let mut state = ClusterState::new();
    for (offset, record) in records.into_iter().enumerate() {
        state.apply(record, offset as i64);
    }
    state
}

fn values(state: &ClusterState) -> Vec<&str> {
    state.task_ids("a").iter().map(|id| state.task_config(id).unwrap().get("t").unwrap()).collect()
}

#[test]
fn tasks_count_from_their_commit_on() {
    let state = fold(vec![connector("1"), task(0, "x"), task(1, "y")]);
    assert!(state.task_ids("a").is_empty());
    let state = fold(vec![connector("1"), task(0, "x"), task(1, "y"), commit(2), task(0, "z")]);
    assert_eq!(values(&state), ["x", "y"]);
    assert_eq!(state.task_count("a"), 2);
    assert_eq!(state.offset(), 5);
}

#[test]
fn an_incomplete_set_runs_nothing_until_a_fresh_one() {
    let mut state = fold(vec![connector("1"), task(1, "y"), commit(2)]);
    assert!(state.is_inconsistent("a") && state.task_ids("a").is_empty());
    assert_eq!(state.task_config(&TaskId::new("a", 1)), None);
    state.apply(task(0, "x"), 9);
    state.apply(commit(2), 10);
    assert!(state.is_inconsistent("a"), "the staged config of the broken set must not complete this one");
    state.apply(task(0, "x"), 11);
    state.apply(task(1, "z"), 12);
    assert_eq!(state.apply(commit(2), 13), [Change::Tasks("a".into())]);
    assert_eq!(values(&state), ["x", "z"]);
}

#[test]
fn remains_of_a_larger_set_do_not_hurt() {
    let state = fold(vec![connector("1"), task(1, "old"), task(0, "x"), commit(1)]);
    assert_eq!(values(&state), ["x"]);
    assert!(!state.is_inconsistent("a"));
}

#[test]
fn an_empty_set_is_complete() {
    let state = fold(vec![connector("1"), task(0, "x"), commit(1), commit(0)]);
    assert!(!state.is_inconsistent("a") && values(&state).is_empty());
}

#[test]
fn a_connector_created_again_inherits_no_tasks() {
    let old = vec![task(0, "x"), commit(1), connector("2")];
    assert_eq!(fold(old.clone()).task_count("a"), 0);
    let with_tombstone = vec![connector("1"), task(0, "x"), commit(1), deleted(), connector("2")];
    let state = fold(with_tombstone);
    assert_eq!((state.task_count("a"), state.applied_config("a")), (0, None));
    let staged_only = vec![connector("1"), task(0, "x"), deleted(), connector("2"), commit(1)];
    assert!(fold(staged_only).is_inconsistent("a"));
}

#[test]
fn target_states() {
    let mut state = ClusterState::new();
    assert_eq!(state.apply(target(Some(TargetState::Paused)), 0), []);
    assert_eq!(state.target_state("a"), None);
    assert_eq!(state.apply(connector("1"), 1), [Change::Connector("a".into())]);
    assert_eq!(state.target_state("a"), Some(TargetState::Paused));
    assert_eq!(state.apply(target(Some(TargetState::Paused)), 2), []);
    assert_eq!(state.apply(target(Some(TargetState::Started)), 3), [Change::Target("a".into())]);
    assert_eq!(state.apply(deleted(), 4), [Change::Removed("a".into())]);
    assert_eq!(state.apply(target(None), 5), []);
    assert_eq!(state.apply(connector("1"), 6), [Change::Connector("a".into())]);
    assert_eq!(state.target_state("a"), Some(TargetState::Started));
}

#[test]
fn applied_config_is_the_one_of_the_last_commit() {
    let mut state = fold(vec![connector("1"), task(0, "x"), commit(1), connector("2")]);
    assert_eq!(state.applied_config("a").unwrap().get("v"), Some("1"));
    state.apply(task(0, "x"), 7);
    state.apply(commit(1), 8);
    assert_eq!(state.applied_config("a").unwrap().get("v"), Some("2"));
}

#[test]
fn offsets_never_go_back_and_gaps_do_not_matter() {
    let mut state = ClusterState::new();
    state.apply(connector("1"), 40);
    state.skip(50);
    state.apply(connector("1"), 45);
    assert_eq!(state.offset(), 51);
    state.skip(i64::MAX);
    assert_eq!(state.offset(), i64::MAX);
}
