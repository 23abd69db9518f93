//! Steps that write and read topics: those of data, and the three of the worker.

use indexmap::IndexMap;
use millstream_testbed::{Context, Error, NewRecord, Record, Result};
use serde_json::{Map, Value, json};

use super::bytes;
use super::failed;
use super::pattern::Pattern;
use super::script::{Committed, NewRecordText, Produce, Records};
use super::stage::Stage;

impl Stage<'_> {
    /// Writes records to a topic.
    pub async fn produce(&self, produce: &Produce) -> Result<()> {
        let mut records: Vec<NewRecord> =
            produce.values.iter().map(|value| NewRecord::value(bytes::read(&self.text(value)))).collect();
        for record in &produce.records {
            records.push(self.new_record(record)?);
        }
        self.topics.produce(&self.text(&produce.to), records).await
    }

    fn new_record(&self, text: &NewRecordText) -> Result<NewRecord> {
        let mut record = match &text.value {
            Some(value) => NewRecord::value(bytes::read(&self.text(value))),
            None => NewRecord::default(),
        };
        if let Some(key) = &text.key {
            record = record.key(bytes::read(&self.text(key)));
        }
        for (name, value) in self.new_headers(&text.headers)? {
            record = match value {
                Some(value) => record.header(name, bytes::read(&value)),
                None => record.null_header(name),
            };
        }
        if let Some(partition) = text.partition {
            record = record.partition(partition);
        }
        Ok(match text.timestamp {
            Some(timestamp) => record.timestamp(timestamp),
            None => record,
        })
    }

    /// Headers to produce: `{name: value}`, or `[[name, value], ...]` where names come twice.
    fn new_headers(&self, headers: &Value) -> Result<Vec<(String, Option<String>)>> {
        let wrong = || Error::new(format!("headers are `{{name: text}}` or `[[name, text]]`, not {headers}"));
        let of = |name: &Value, value: &Value| match (name, value) {
            (Value::String(name), Value::String(value)) => Ok((self.text(name), Some(self.text(value)))),
            (Value::String(name), Value::Null) => Ok((self.text(name), None)),
            _ => Err(wrong()),
        };
        match headers {
            Value::Null => Ok(Vec::new()),
            Value::Object(fields) => fields.iter().map(|(name, value)| of(&json!(name), value)).collect(),
            Value::Array(pairs) => pairs.iter().map(|pair| of(&pair[0], &pair[1])).collect(),
            _ => Err(wrong()),
        }
    }

    /// Waits until a topic holds these records and no others.
    pub async fn records(&self, records: &Records) -> Result<()> {
        let topic = self.text(&records.of);
        let wanted = match (&records.values, &records.are) {
            (Some(values), None) => values.iter().map(|value| json!({"value": value})).collect(),
            (None, Some(records)) => records.clone(),
            _ => return Err(Error::new("`records` needs `values` or `are`")),
        };
        let waited = self.patiently(|| async {
            let Some(partitions) = self.topics.partitions(&topic).await? else {
                return Ok(Some("there is no such topic".to_owned()));
            };
            let found = self.topics.read_all(&topic).await?;
            if partitions.len() > 1 && found.len() < wanted.len() {
                // Which partition's records come last, nobody knows.
                return Ok(Some(format!("{} of {} records", found.len(), wanted.len())));
            }
            for (at, (record, wanted)) in found.iter().zip(&wanted).enumerate() {
                if let Err(error) = self.record_mismatch(record, wanted) {
                    let there: Vec<String> = found.iter().map(shown).collect();
                    return Err(error.context(format!("record {at}"))).context(format!("of {}", there.join(", ")));
                }
            }
            match found.len() {
                count if count < wanted.len() => Ok(Some(format!("{count} of {} records", wanted.len()))),
                count if count == wanted.len() => Ok(None),
                count => Err(Error::new(format!("{count} records, expected {}", wanted.len()))),
            }
        });
        waited.await.map_err(|error| error.context(format!("records of {topic}")))
    }

    fn record_mismatch(&self, record: &Record, wanted: &Value) -> Result<()> {
        let wanted = wanted.as_object().ok_or_else(|| Error::new("a record is an object"))?;
        let wanted = failed::as_headers(wanted)?;
        for (field, pattern) in &wanted {
            let pattern = self.pattern(pattern)?;
            let reason = match field.as_str() {
                "key" => bytes_mismatch(&pattern, record.key.as_deref()),
                "value" => bytes_mismatch(&pattern, record.value.as_deref()),
                "headers" if wanted[field].is_array() => pattern.mismatch(&headers_in_order(record)),
                "headers" => pattern.mismatch(&headers(record)),
                "partition" => pattern.mismatch(&json!(record.partition)),
                "timestamp" => pattern.mismatch(&json!(record.timestamp)),
                _ => return Err(Error::new(format!("a record has no {field}"))),
            };
            if let Some(reason) = reason {
                return Err(Error::new(format!("{field}: {reason}")));
            }
        }
        Ok(())
    }

    /// Waits until topics are there with these settings, among them `partitions`.
    pub async fn topic(&self, topics: &IndexMap<String, IndexMap<String, Value>>) -> Result<()> {
        for (topic, wanted) in topics {
            let topic = self.text(topic);
            let waited = self.patiently(|| async {
                let Some(partitions) = self.topics.partitions(&topic).await? else {
                    return Ok(Some("there is no such topic".to_owned()));
                };
                let mut found = self.topics.describe_config(&topic).await?;
                found.insert("partitions".to_owned(), partitions.len().to_string());
                for (setting, value) in wanted {
                    // A number in YAML is text to Kafka.
                    let pattern = self.pattern(&json!(value.as_str().map_or(value.to_string(), str::to_owned)))?;
                    if let Some(reason) = pattern.text_mismatch(found.get(setting).map(String::as_str)) {
                        return Err(Error::new(format!("{setting}: {reason}")));
                    }
                }
                Ok(None)
            });
            waited.await.map_err(|error| error.context(format!("topic {topic}")))?;
        }
        Ok(())
    }

    /// Waits until a consumer group has committed these offsets.
    pub async fn committed(&self, committed: &Committed) -> Result<()> {
        let (group, topic) = (self.text(&committed.group), self.text(&committed.topic));
        let waited = self.patiently(|| async {
            let found = self.topics.committed(&group, &topic).await?;
            let found: IndexMap<i32, i64> = found.into_iter().collect();
            let same = found.len() == committed.offsets.len()
                && committed.offsets.iter().all(|(partition, offset)| found.get(partition) == Some(offset));
            Ok((!same).then(|| format!("expected {:?}, got {found:?}", committed.offsets)))
        });
        waited.await.map_err(|error| error.context(format!("offsets of {topic} committed by {group}")))
    }

    /// The records of this scenario in one of the worker's topics, in their order.
    fn journal(&self, what: &str) -> Result<Vec<Record>> {
        let tail = self.bed().tail.as_ref().ok_or_else(|| Error::new("this worker has no such topics"))?;
        let mut records = tail.records(&self.bed().topic(what));
        records.retain(|record| record.key_text().contains(&self.name));
        Ok(records)
    }

    /// Waits for the records of the config topic since the last such step.
    pub async fn configs(&mut self, wanted: &[IndexMap<String, Value>]) -> Result<()> {
        self.sequence("configs", wanted).await
    }

    /// Waits for the records of the offsets topic since the last such step. A value written again counts once.
    pub async fn offsets(&mut self, wanted: &[IndexMap<String, Value>]) -> Result<()> {
        self.sequence("offsets", wanted).await
    }

    async fn sequence(&mut self, what: &str, wanted: &[IndexMap<String, Value>]) -> Result<()> {
        let seen = self.seen.get(what).copied().unwrap_or_default();
        let waited = self.patiently(|| async {
            let mut records = self.journal(what)?;
            if what == "offsets" {
                records.dedup_by(|next, last| next.key == last.key && next.value == last.value);
            }
            let new = records.get(seen..).unwrap_or_default();
            for (at, (record, wanted)) in new.iter().zip(wanted).enumerate() {
                self.pair_mismatch(record, wanted).context(format!("record {at} ({})", record.key_text()))?;
            }
            match new.get(wanted.len()) {
                Some(extra) => {
                    Err(Error::new(format!("unexpected record {} = {}", extra.key_text(), extra.value_text())))
                }
                None if new.len() == wanted.len() => Ok(None),
                None => Ok(Some(format!("{} of {} records", new.len(), wanted.len()))),
            }
        });
        waited.await.map_err(|error| error.context(format!("new records of the {what} topic")))?;
        self.seen.insert(what.to_owned(), seen + wanted.len());
        Ok(())
    }

    fn pair_mismatch(&self, record: &Record, wanted: &IndexMap<String, Value>) -> Result<()> {
        let (key, value) = wanted.first().ok_or_else(|| Error::new("a record is `key: value`"))?;
        let key = self.text(key);
        if record.key_text() != key {
            return Err(Error::new(format!("expected key {key}, got {}", record.key_text())));
        }
        match self.pattern(value)?.mismatch(&record.value_json()?) {
            Some(reason) => Err(Error::new(reason)),
            None => Ok(()),
        }
    }

    /// Waits for the states of each instance since the last such step: `RUNNING`, null for a tombstone, or a pattern
    /// of the whole value. A state written again counts once.
    pub async fn statuses(&mut self, wanted: &IndexMap<String, Vec<Value>>) -> Result<()> {
        for (key, wanted) in wanted {
            let key = self.text(key);
            let seen = self.seen.get(&key).copied().unwrap_or_default();
            let waited = self.patiently(|| async {
                let mut values = Vec::new();
                for record in self.journal("status")?.iter().filter(|record| record.key_text() == key) {
                    values.push(record.value_json()?);
                }
                values.dedup_by(|next, last| next["state"] == last["state"] && next["trace"] == last["trace"]);
                let new = values.get(seen..).unwrap_or_default();
                for (at, (value, wanted)) in new.iter().zip(wanted).enumerate() {
                    let value = if wanted.is_string() { &value["state"] } else { value };
                    if let Some(reason) = self.pattern(wanted)?.mismatch(value) {
                        return Err(Error::new(format!("record {at}: {reason}")));
                    }
                }
                match new.get(wanted.len()) {
                    Some(extra) => Err(Error::new(format!("unexpected record {extra}"))),
                    None if new.len() == wanted.len() => Ok(None),
                    None => Ok(Some(format!("{} of {} records", new.len(), wanted.len()))),
                }
            });
            waited.await.map_err(|error| error.context(format!("new status records of {key}")))?;
            self.seen.insert(key, seen + wanted.len());
        }
        Ok(())
    }

    /// Waits until the newest record of a key in `configs`, `offsets` or `status` is like a pattern.
    pub async fn newest(&self, wanted: &IndexMap<String, IndexMap<String, Value>>) -> Result<()> {
        for (what, keys) in wanted {
            for (key, value) in keys {
                let (key, pattern) = (self.text(key), self.pattern(value)?);
                let tail = self.bed().tail.as_ref().ok_or_else(|| Error::new("this worker has no such topics"))?;
                let topic = self.bed().topic(what);
                let waited = self.patiently(|| async {
                    let records = tail.records(&topic);
                    match records.iter().rfind(|record| record.key_text() == key) {
                        None => Ok(pattern.text_mismatch(None)),
                        Some(record) => Ok(pattern.mismatch(&record.value_json()?)),
                    }
                });
                waited.await.map_err(|error| error.context(format!("newest record {key} of the {what} topic")))?;
            }
        }
        Ok(())
    }
}

/// A text is compared as text, anything else as JSON; no bytes at all are null.
fn bytes_mismatch(pattern: &Pattern, bytes: Option<&[u8]>) -> Option<String> {
    let Some(bytes) = bytes else { return pattern.mismatch(&Value::Null) };
    let reason = pattern.mismatch(&json!(bytes::shown(bytes)))?;
    match serde_json::from_slice::<Value>(bytes) {
        Ok(json) if !pattern.is_text() => pattern.mismatch(&json),
        _ => Some(reason),
    }
}

fn headers(record: &Record) -> Value {
    let mut fields = Map::new();
    for (name, value) in &record.headers {
        fields.insert(name.clone(), json!(value.as_deref().map(bytes::shown)));
    }
    Value::Object(fields)
}

fn headers_in_order(record: &Record) -> Value {
    record.headers.iter().map(|(name, value)| json!([name, value.as_deref().map(bytes::shown)])).collect()
}

/// A whole record, cut where it is long.
fn shown(record: &Record) -> String {
    const LONG: usize = 2000;
    let (key, value) = (record.key.as_deref().map(bytes::shown), record.value.as_deref().map(bytes::shown));
    let (headers, partition) = (headers_in_order(record), record.partition);
    let whole =
        json!({"key": key, "value": value, "headers": headers, "partition": partition, "timestamp": record.timestamp});
    whole.to_string().chars().take(LONG).collect()
}
