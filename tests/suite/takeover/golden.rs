//! The topics of a recorded Java worker made live at several steps of its scenario: a worker that starts on them shows what
//! Java showed then, and finds nothing to write anew.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt};
use millstream_testbed::poll::until;
use millstream_testbed::{Context, Error, NewRecord, Record, Result, Topics, Worker, WorkerProperties, shared, unique};
use serde_json::{Value, json};

use crate::journal::Journal;
use crate::scenario::{Kind, LIMIT};

const STEPS: [&str; 6] =
    ["create sink", "stop sink", "scale sink up", "alter offsets, two partitions", "create stopped", "stop worker"];
const TOPICS: [(&str, i32); 3] = [("configs", 1), ("offsets", 5), ("status", 2)];

#[tokio::test]
async fn recorded_topics_are_taken_over_at_any_step() -> Result<()> {
    let steps = futures::stream::iter(STEPS).map(taken_over).buffer_unordered(3);
    steps.try_collect().await
}

async fn taken_over(step: &str) -> Result<()> {
    let recorded = Recorded::until(step)?;
    let kafka = shared().kafka().await?;
    let group = unique("recorded");
    let topics = Topics::new(kafka.bootstrap());
    for (name, partitions) in TOPICS {
        let topic = format!("{group}-{name}");
        topics.create(&topic, partitions, &[("cleanup.policy", "compact")]).await?;
        topics.produce(&topic, recorded.live(name)).await?;
    }
    let properties = WorkerProperties::distributed(&kafka.bootstrap(), &group);
    let worker = Kind::Millstream.start(properties).await?;
    let wanted = recorded.states();
    let there = until(format!("the recorded states at {step:?}"), LIMIT, || async {
        let found = states(&worker).await?;
        if found == wanted { Ok(Some(())) } else { Err(Error::new(format!("{found:?} instead of {wanted:?}"))) }
    });
    there.await.map_err(|error| error.with_log(&worker.log()))?;
    for (name, properties) in recorded.configs() {
        let info = worker.rest().get(&format!("/connectors/{name}")).await?.json()?;
        assert_eq!(info["config"], properties, "{step}: {name}");
        let answer = worker.rest().get(&format!("/connectors/{name}/topics")).await?.json()?;
        assert_eq!(answer[&name]["topics"], json!(recorded.topics(&name)), "{step}: topics of {name}");
        if info["type"] == "source" {
            let answer = worker.rest().get(&format!("/connectors/{name}/offsets")).await?.json()?;
            let mut offsets = answer["offsets"].as_array().cloned().unwrap_or_default();
            offsets.sort_by_key(Value::to_string);
            assert_eq!(offsets, recorded.offsets(&name), "{step}: offsets of {name}");
        }
    }
    assert_eq!(worker.terminate().await?, 0, "{}", worker.log_tail());
    let journal = Journal::new(&kafka.bootstrap(), &group);
    let written: Vec<_> = journal.configs().await?.split_off(recorded.records["configs"].len());
    let keys: Vec<String> = written.iter().map(Record::key_text).collect();
    // The recorded session key has expired long since.
    assert_eq!(keys, ["session-key"], "{step}: the tasks that are there are good as they are");
    one_partition_for_each_key(&journal.statuses().await?);
    Ok(())
}

/// Or compaction would keep what each of two workers wrote under it.
pub fn one_partition_for_each_key(records: &[Record]) {
    let mut places = BTreeMap::new();
    for record in records {
        let place = *places.entry(record.key_text()).or_insert(record.partition);
        assert_eq!(record.partition, place, "partition of {}", record.key_text());
    }
}

/// Name of a connector or task -> its state.
type States = BTreeMap<String, String>;

async fn states(worker: &Worker) -> Result<States> {
    let id = worker.rest().base().trim_start_matches("http://").to_owned();
    let mut states = States::new();
    for name in worker.rest().list().await? {
        let status = worker.rest().status(&name).await?;
        let tasks = status["tasks"].as_array().cloned().unwrap_or_default();
        let tasks = tasks.iter().map(|task| (format!("{name}-{}", task["id"]), task));
        for (instance, part) in tasks.chain([(name.clone(), &status["connector"])]) {
            let own = part["worker_id"] == id.as_str();
            states.insert(instance, format!("{}{}", part["state"], if own { "" } else { " of another worker" }));
        }
    }
    Ok(states)
}

/// The recorded records up to a step.
struct Recorded {
    records: BTreeMap<&'static str, Vec<Value>>,
}

impl Recorded {
    fn until(step: &str) -> Result<Recorded> {
        let steps = lines("steps")?;
        let found = steps.iter().find(|line| line["step"] == step);
        let ends = &found.ok_or_else(|| Error::new(format!("there is no step {step:?}")))?["end_offsets"];
        let mut records = BTreeMap::new();
        for (name, _) in TOPICS {
            let mut lines = lines(name)?;
            lines.retain(|line| line["offset"].as_i64() < ends[name][line["partition"].to_string()].as_i64());
            records.insert(name, lines);
        }
        Ok(Recorded { records })
    }

    fn live(&self, topic: &str) -> Vec<NewRecord> {
        let record = |line: &Value| {
            let key = line["key"].as_str().unwrap_or_default();
            let record = line["value"].as_str().map_or_else(|| NewRecord::tombstone(key), NewRecord::value).key(key);
            record.partition(line["partition"].as_i64().unwrap_or_default() as i32)
        };
        self.records[topic].iter().map(record).collect()
    }

    /// The newest value of each key with this beginning, by the rest of the key.
    fn newest(&self, topic: &str, begin: &str) -> BTreeMap<String, Value> {
        let mut newest = BTreeMap::new();
        for line in &self.records[topic] {
            let Some(rest) = line["key"].as_str().and_then(|key| key.strip_prefix(begin)) else { continue };
            match line["value"].as_str() {
                Some(value) => newest.insert(rest.to_owned(), serde_json::from_str(value).unwrap_or(Value::Null)),
                None => newest.remove(rest),
            };
        }
        newest
    }

    fn configs(&self) -> Vec<(String, Value)> {
        let newest = self.newest("configs", "connector-");
        newest.into_iter().map(|(name, value)| (name, value["properties"].clone())).collect()
    }

    /// The state of every connector and committed task as the target states have it: nothing failed.
    fn states(&self) -> States {
        let (targets, counts) = (self.newest("configs", "target-state-"), self.newest("configs", "commit-"));
        let mut states = States::new();
        for (name, _) in self.configs() {
            let state = match targets.get(&name).map(|target| &target["state.v2"]) {
                None => "RUNNING",
                Some(word) if word == "STARTED" => "RUNNING",
                Some(word) => word.as_str().unwrap_or_default(),
            };
            let tasks = counts.get(&name).map_or(0, |commit| commit["tasks"].as_u64().unwrap_or_default());
            states.extend((0..tasks).map(|task| (format!("{name}-{task}"), format!("{state:?}"))));
            states.insert(name, format!("{state:?}"));
        }
        states
    }

    fn topics(&self, connector: &str) -> Vec<String> {
        let end = format!(":connector-{connector}");
        let newest = self.newest("status", "status-topic-");
        newest.keys().filter_map(|key| key.strip_suffix(&end)).map(str::to_owned).collect()
    }

    fn offsets(&self, connector: &str) -> Vec<Value> {
        let newest = self.newest("offsets", &format!("[\"{connector}\","));
        let mut offsets: Vec<Value> = newest
            .into_iter()
            .map(|(rest, offset)| {
                let partition = rest.strip_suffix(']').and_then(|text| serde_json::from_str::<Value>(text).ok());
                json!({"partition": partition, "offset": offset})
            })
            .collect();
        offsets.sort_by_key(Value::to_string);
        offsets
    }
}

/// Lines of a recorded topic, with values that a reader accepts in place of what was left out.
fn lines(name: &str) -> Result<Vec<Value>> {
    let path = format!("{}/golden/topics/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).context(&path)?;
    let text = text
        .replace("\\\"<ts>\\\"", "1700000000000")
        .replace("<secret>", "c2Vzc2lvbiBrZXkgb2YgdGhpcnR5LXR3byBieXRlcyE=")
        .replace("<worker>", "10.0.0.1:8083");
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}
