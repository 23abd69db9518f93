//! The checks: every row of the tables is in its topic, and every record of the topics is in exactly one file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use millstream_testbed::poll::until;
use millstream_testbed::{Error, ParquetFile, Record, Result, read_parquet_objects};
use serde_json::{Map, Value};

use crate::connectors::{EVENT_SINK, TYPED, TYPED_SINK};
use crate::database::{self, Kind, TABLES, Table};
use crate::events::{self, Events, FLUSH_SIZE};
use crate::screen::{Screen, counted};
use crate::services::{BUCKET, Services};

/// How long the last rows may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(60);

type Row = Map<String, Value>;

/// Waits until each topic of a table holds the last version of every row.
pub async fn wait_for_topics(services: &Services) -> Result<()> {
    for prefix in ["db.", TYPED] {
        for table in &TABLES {
            wait_for_topic(services, table, prefix).await?;
        }
    }
    Ok(())
}

async fn wait_for_topic(services: &Services, table: &Table, prefix: &str) -> Result<()> {
    until(format!("every row of {} in {prefix}{}", table.name, table.name), ARRIVAL, || async {
        compare_topic(services, table, prefix).await.map(Some)
    })
    .await
    .map(drop)
}

/// Gives each typed topic as many records as its last file still needs, by updating that many rows.
pub async fn fill_last_files(services: &Services) -> Result<()> {
    for table in &TABLES {
        let topic = format!("{TYPED}{}", table.name);
        let records: i64 = services.topics.end_offsets(&topic).await?.values().sum();
        let missing = records.unsigned_abs().next_multiple_of(FLUSH_SIZE) - records.unsigned_abs();
        if missing > 0 {
            database::touch(&services.postgres, table.name, missing).await?;
        }
    }
    wait_for_topics(services).await
}

/// Waits until the sinks have committed everything in their topics, which they do once it is in files.
pub async fn wait_for_files(services: &Services) -> Result<()> {
    for (topic, sink) in sink_topics() {
        until(format!("{sink} to put all of {topic} into files"), ARRIVAL, || async {
            let ends = services.topics.end_offsets(&topic).await?;
            let committed = services.topics.committed(&format!("connect-{sink}"), &topic).await?;
            if ends == committed { Ok(Some(())) } else { Err(behind(&ends, &committed)) }
        })
        .await?;
    }
    Ok(())
}

fn sink_topics() -> Vec<(String, &'static str)> {
    let typed = TABLES.iter().map(|table| (format!("{TYPED}{}", table.name), TYPED_SINK));
    events::TOPICS.iter().map(|topic| ((*topic).to_owned(), EVENT_SINK)).chain(typed).collect()
}

fn behind(ends: &BTreeMap<i32, i64>, committed: &BTreeMap<i32, i64>) -> Error {
    let part = |(partition, end): (&i32, &i64)| {
        let done = committed.get(partition).map_or("nothing".to_owned(), i64::to_string);
        format!("partition {partition}: {done} of {end} committed")
    };
    Error::new(ends.iter().map(part).collect::<Vec<_>>().join(", "))
}

/// Checks everything and says what was checked; the first thing wrong is the error.
pub async fn everything(services: &Services, events: &Events, screen: &Screen) -> Result<()> {
    screen.step("checking");
    for prefix in ["db.", TYPED] {
        for table in &TABLES {
            let (rows, records) = compare_topic(services, table, prefix).await?;
            screen.passed(&format!(
                "topic {prefix}{}: all {} rows of table {} with every value of their last version ({} records)",
                table.name,
                counted(rows),
                table.name,
                counted(records)
            ));
        }
    }
    for table in &TABLES {
        let topic = format!("{TYPED}{}", table.name);
        let files = files_of(services, &topic).await?;
        let versions = files.iter().flat_map(|file| &file.rows);
        let found = last_versions(versions.map(|row| from_parquet(row, table)))?;
        let rows = compare(&format!("files of {topic}"), services, table, &found).await?;
        screen.passed(&format!(
            "files of {topic}: {} files hold each of {} offsets once, and all {} rows with every value (pyarrow)",
            files.len(),
            counted(row_count(&files)),
            counted(rows)
        ));
    }
    for (index, topic) in events::TOPICS.iter().enumerate() {
        let files = files_of(services, topic).await?;
        check_events(topic, &files, events.produced_to(index))?;
        screen.passed(&format!(
            "files of {topic}: {} files hold each of {} plain JSON events once (pyarrow)",
            files.len(),
            counted(row_count(&files))
        ));
    }
    Ok(())
}

fn row_count(files: &[ParquetFile]) -> u64 {
    files.iter().map(|file| file.row_count).sum()
}

/// Compares a table with the last versions in its topic; the counts of rows and records.
async fn compare_topic(services: &Services, table: &Table, prefix: &str) -> Result<(usize, usize)> {
    let topic = format!("{prefix}{}", table.name);
    let records = services.topics.read_all(&topic).await?;
    let found = last_versions(records.iter().map(|record| from_record(record, table)))?;
    let rows = compare(&format!("topic {topic}"), services, table, &found).await?;
    Ok((rows, records.len()))
}

async fn compare(what: &str, services: &Services, table: &Table, found: &HashMap<i64, Row>) -> Result<usize> {
    let wanted = database::rows(&services.postgres, table).await?;
    for row in &wanted {
        let id = row.get("id").and_then(Value::as_i64).unwrap_or_default();
        let Some(there) = found.get(&id) else {
            return Err(Error::new(format!("{what}: row {id} of {} is missing", table.name)));
        };
        for (column, _) in table.columns {
            let (expected, got) = (row.get(*column), there.get(*column));
            if expected != got {
                let shown = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
                return Err(Error::new(format!(
                    "{what}: row {id} of {} has {column} {} and not {}",
                    table.name,
                    shown(got),
                    shown(expected)
                )));
            }
        }
    }
    if found.len() != wanted.len() {
        return Err(Error::new(format!("{what}: {} rows where the table has {}", found.len(), wanted.len())));
    }
    Ok(wanted.len())
}

fn last_versions(rows: impl Iterator<Item = Result<Row>>) -> Result<HashMap<i64, Row>> {
    let mut last = HashMap::new();
    for row in rows {
        let row = row?;
        let id = row.get("id").and_then(Value::as_i64).ok_or_else(|| Error::new("a record without an id"))?;
        last.insert(id, row);
    }
    Ok(last)
}

/// A record's row: the value itself, or the payload of an envelope.
fn from_record(record: &Record, table: &Table) -> Result<Row> {
    let mut value = record.value_json()?;
    if record.topic.starts_with(TYPED) {
        value = value["payload"].take();
    }
    let Value::Object(mut row) = value else {
        let place = format!("{}-{}@{}", record.topic, record.partition, record.offset);
        return Err(Error::new(format!("{place} holds no row")));
    };
    for (column, kind) in table.columns {
        if *kind == Kind::Money
            && let Some(value) = row.get_mut(*column)
            && let Some(number) = value.as_f64()
        {
            *value = Value::from(format!("{number:.2}"));
        }
    }
    Ok(row)
}

/// A file's row with dates and times as numbers, as the other sides have them.
fn from_parquet(row: &Row, table: &Table) -> Result<Row> {
    let mut row = row.clone();
    for (column, kind) in table.columns {
        let Some(value) = row.get_mut(*column) else { continue };
        let Some(text) = value.as_str() else { continue };
        let number = match kind {
            Kind::Plain | Kind::Money => continue,
            Kind::Date => days(text),
            Kind::Instant => millis(text),
        };
        let number = number.ok_or_else(|| Error::new(format!("{text} in column {column} is no date or time")))?;
        *value = Value::from(number);
    }
    Ok(row)
}

/// Days since 1970 of a date such as `2024-02-29`.
fn days(date: &str) -> Option<i64> {
    let mut parts = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    Some(year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468)
}

/// Milliseconds since 1970 of a time such as `2024-02-29T12:00:00.123000+00:00` (no fraction for a whole second).
fn millis(text: &str) -> Option<i64> {
    let text = text.strip_suffix("+00:00")?;
    let (date, time) = text.split_once('T')?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "000"));
    let mut parts = clock.splitn(3, ':').map(|part| part.parse::<i64>().ok());
    let seconds = parts.next()?? * 3600 + parts.next()?? * 60 + parts.next()??;
    Some((days(date)? * 86_400 + seconds) * 1000 + fraction.get(..3)?.parse::<i64>().ok()?)
}

/// The files of a topic in order of partition and offset, checked to hold every offset up to the topic's end once.
async fn files_of(services: &Services, topic: &str) -> Result<Vec<ParquetFile>> {
    let mut files = Vec::new();
    for (partition, end) in services.topics.end_offsets(topic).await? {
        let found =
            read_parquet_objects(&services.s3, BUCKET, &format!("topics/{topic}/partition={partition}")).await?;
        let mut next = 0;
        for file in &found {
            let start = start_offset(&file.file)
                .ok_or_else(|| Error::new(format!("the name of object {} has no offset", file.file)))?;
            if start != next {
                return Err(Error::new(format!("object {} begins at offset {start} and not at {next}", file.file)));
            }
            next += i64::try_from(file.row_count).unwrap_or(i64::MAX);
        }
        if next != end {
            return Err(Error::new(format!("the files of {topic}-{partition} end at offset {next} and not at {end}")));
        }
        files.extend(found);
    }
    Ok(files)
}

/// The offset in `topics/t/partition=0/t+0+0000001000.snappy.parquet`.
fn start_offset(key: &str) -> Option<i64> {
    let (_, rest) = key.rsplit_once('+')?;
    rest.split('.').next()?.parse().ok()
}

fn check_events(topic: &str, files: &[ParquetFile], produced: u64) -> Result<()> {
    let mut ids = BTreeSet::new();
    for row in files.iter().flat_map(|file| &file.rows) {
        let id = row.get("event_id").and_then(Value::as_u64);
        let id = id.ok_or_else(|| Error::new(format!("a row in the files of {topic} has no whole event_id")))?;
        if !ids.insert(id) {
            return Err(Error::new(format!("event {id} of {topic} is in the files twice")));
        }
    }
    if ids.len() as u64 != produced {
        return Err(Error::new(format!("{} of {produced} events of {topic} are in the files", ids.len())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_as_numbers() {
        assert_eq!([days("1970-01-01"), days("2024-02-29"), days("1969-12-31")], [Some(0), Some(19_782), Some(-1)]);
        assert_eq!(millis("1970-01-02T00:00:01+00:00"), Some(86_401_000));
        assert_eq!(millis("2024-02-29T12:00:00.123000+00:00"), Some(1_709_208_000_123));
        assert_eq!((days("x"), millis("2024-02-29")), (None, None));
    }

    #[test]
    fn offsets_in_object_names() {
        assert_eq!(start_offset("topics/a+b/partition=0/a+b+0+0000001000.snappy.parquet"), Some(1000));
        assert_eq!(start_offset("topics/a"), None);
    }
}
