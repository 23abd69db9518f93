//! Nothing is lost when the worker is killed again and again while rows are written.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use millstream_testbed::poll::until;
use millstream_testbed::{
    Error, Kafka, ParquetFile, Postgres, Record, Result, S3, Topics, Worker, WorkerProperties, read_parquet_objects,
    shared, unique,
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use tokio::sync::Semaphore;

use crate::journal::Journal;
use crate::scenario::{JDBC_SOURCE, LIMIT, Random, S3_SINK};

const ROWS: i64 = 200_000;
const KILLS: usize = 20;
/// Rows of one transaction; half as many older ones are updated in the next.
const BATCH: i64 = 1_000;
const PARTITIONS: i32 = 3;
const FLUSH: i64 = 1_000;
/// The longest a worker lives, counted from when it answers (or, every third time, from its start).
const LIFE: Duration = Duration::from_millis(2_000);
/// All that was written is read after the last kill.
const CATCH_UP: Duration = Duration::from_secs(180);

#[tokio::test]
async fn nothing_is_lost_when_the_worker_is_killed() -> Result<()> {
    let mut random = Random::seeded("kill");
    // A broker of its own: one that forgets a killed consumer soon, so that the sink works in short lives too.
    let kafka = Kafka::builder().setting("group.min.session.timeout.ms", 500);
    let (kafka, postgres, s3) = tokio::try_join!(kafka.start(), shared().postgres(), shared().s3())?;
    let ground = Ground::new(&kafka, postgres, s3).await?;

    // The writer may be one share of the work ahead, so that there is something to read in every life.
    let allowed = Semaphore::new(0);
    let lives = ground.kill_again_and_again(&mut random, &allowed);
    let (mut deaths, ()) = tokio::try_join!(lives, write(postgres.connect(&ground.database).await?, &allowed))?;

    // One more life, in peace.
    ground.worker.run().await?;
    ground.wait_caught_up().await?;
    let code = ground.worker.terminate().await?;
    assert_eq!(code, 0, "exit code\n{}", ground.worker.log_tail());
    deaths.push(i64::MAX);

    let records = ground.topics.read_all(&ground.topic).await?;
    let written = ground.versions().await?;
    check_topic(&records, &written, &deaths)?;
    let committed = ground.topics.committed(&format!("connect-{}", ground.sink), &ground.topic).await?;
    let files = read_parquet_objects(s3, &ground.bucket, "topics").await?;
    check_files(&records, &committed, &files)
}

/// Services, worker and connectors of the test.
struct Ground {
    postgres: &'static Postgres,
    topics: Topics,
    journal: Journal,
    worker: Worker,
    database: String,
    source: String,
    sink: String,
    topic: String,
    bucket: String,
}

impl Ground {
    async fn new(kafka: &Kafka, postgres: &'static Postgres, s3: &S3) -> Result<Ground> {
        let (database, bucket, group) = (unique("kill"), unique("kill"), unique("kill"));
        postgres.create_database(&database, None).await?;
        postgres
            .execute(
                &database,
                "create table rows (id bigint primary key, version integer not null, note text not null,
                   updated_at timestamptz not null);
                 create index on rows (updated_at)",
            )
            .await?;
        s3.create_bucket(&bucket).await?;
        let (source, sink, topic) = (unique("source"), unique("sink"), "kill.rows".to_owned());
        let topics = Topics::new(kafka.bootstrap());
        topics.create(&topic, PARTITIONS, &[]).await?;
        let properties = WorkerProperties::distributed(&kafka.bootstrap(), &group)
            .set("value.converter.schemas.enable", false)
            .set("offset.flush.interval.ms", 500);
        let worker = Worker::builder(properties)
            .env("AWS_ENDPOINT_URL_S3", s3.endpoint())
            .envs(s3.environment())
            .start()
            .await?;
        let journal = Journal::new(&kafka.bootstrap(), &group);
        let ground = Ground { postgres, topics, journal, worker, database, source, sink, topic, bucket };
        ground.create_connectors().await?;
        Ok(ground)
    }

    async fn create_connectors(&self) -> Result<()> {
        let config = json!({
            "connector.class": JDBC_SOURCE, "connection.url": self.postgres.jdbc_url(&self.database),
            "connection.user": self.postgres.user(), "connection.password": self.postgres.password(),
            "mode": "timestamp", "timestamp.column.name": "updated_at", "table.whitelist": "rows",
            "topic.prefix": "kill.", "poll.interval.ms": "100",
        });
        self.worker.rest().create(&self.source, &config).await?;
        let config = json!({
            "connector.class": S3_SINK, "tasks.max": "2", "topics": self.topic, "s3.region": "us-east-1",
            "s3.bucket.name": self.bucket, "flush.size": FLUSH.to_string(),
            "storage.class": "io.confluent.connect.s3.storage.S3Storage",
            "format.class": "io.confluent.connect.s3.format.parquet.ParquetFormat",
            "consumer.override.session.timeout.ms": "1500", "consumer.override.heartbeat.interval.ms": "300",
        });
        self.worker.rest().create(&self.sink, &config).await?;
        self.worker.rest().wait_running(&self.source, 1, LIMIT).await?;
        self.worker.rest().wait_running(&self.sink, 2, LIMIT).await?;
        Ok(())
    }

    /// Kills and restarts the worker, and lets the writer go on by one share each time. Returns when each life ended.
    async fn kill_again_and_again(&self, random: &mut Random, allowed: &Semaphore) -> Result<Vec<i64>> {
        let shares = (ROWS / BATCH) as usize;
        let mut deaths = Vec::new();
        for life in 0..KILLS {
            allowed.add_permits(shares * (life + 1) / KILLS - shares * life / KILLS);
            self.worker.spawn()?;
            // While it starts is a moment too.
            if life % 3 != 2 {
                self.worker.wait_ready(LIMIT).await?;
            }
            tokio::time::sleep(Duration::from_millis(random.below(LIFE.as_millis() as u64))).await;
            self.worker.kill9();
            deaths.push(now());
        }
        Ok(deaths)
    }

    /// Waits until the newest row's time is the stored source offset, and all but the last records are in files.
    async fn wait_caught_up(&self) -> Result<()> {
        let newest = "select floor(extract(epoch from max(updated_at)) * 1000000)::bigint from rows";
        let newest = self.postgres.count(&self.database, newest).await?;
        let reached = |offset: &Value| {
            let millis = offset["timestamp"].as_i64().unwrap_or_default();
            let nanos = offset["timestamp_nanos"].as_i64().unwrap_or_default();
            millis.div_euclid(1000) * 1_000_000 + nanos / 1000 == newest
        };
        self.journal.wait_offset(&self.source, CATCH_UP, &self.worker, reached).await?;
        let ends = self.topics.end_offsets(&self.topic).await?;
        let group = format!("connect-{}", self.sink);
        let found = until("all full files and their offsets", CATCH_UP, || async {
            let committed = self.topics.committed(&group, &self.topic).await?;
            let behind = ends
                .iter()
                .find(|(partition, end)| **end - committed.get(partition).copied().unwrap_or_default() >= FLUSH);
            if behind.is_none() { Ok(Some(())) } else { Err(Error::new(format!("{committed:?} of {ends:?}"))) }
        });
        found.await.map_err(|error| error.with_log(&self.worker.log()))
    }

    /// The version of every row.
    async fn versions(&self) -> Result<Vec<(i64, i64)>> {
        let rows = self.postgres.rows(&self.database, "select id, version::bigint from rows order by id").await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }
}

/// One writer, whose transactions are visible in the order of their times: inserts, and updates of older rows. Rows of
/// one transaction have one time (`now()`) or each its own (`clock_timestamp()`), turn by turn.
async fn write(mut connection: PgConnection, allowed: &Semaphore) -> Result<()> {
    for batch in 0..ROWS / BATCH {
        allowed.acquire().await?.forget();
        let time = if batch % 2 == 0 { "now()" } else { "clock_timestamp()" };
        let (first, last) = (batch * BATCH + 1, (batch + 1) * BATCH);
        let insert =
            format!("insert into rows select i, 1, 'row ' || i, {time} from generate_series({first}, {last}) i");
        sqlx::raw_sql(AssertSqlSafe(insert)).execute(&mut connection).await?;
        // Spread over all rows so far, so that some change often and some never.
        let update = format!(
            "update rows set version = version + 1, updated_at = {time} where id in
               (select (i::bigint * 7919 * {}) % {last} + 1 from generate_series(1, {}) i)",
            batch + 1,
            BATCH / 2
        );
        sqlx::raw_sql(AssertSqlSafe(update)).execute(&mut connection).await?;
    }
    Ok(())
}

fn check_topic(records: &[Record], written: &[(i64, i64)], deaths: &[i64]) -> Result<()> {
    assert_eq!(written.len() as i64, ROWS);
    let mut newest: HashMap<i64, i64> = HashMap::new();
    // What one life of the worker has sent: by the time at which it sent it.
    let mut sent: HashSet<(usize, i64, i64)> = HashSet::new();
    for record in records {
        let (id, version) = identity(record)?;
        let life = deaths.partition_point(|death| *death < record.timestamp.unwrap_or_default());
        let place = format!("{}-{}@{}", record.topic, record.partition, record.offset);
        assert!(sent.insert((life, id, version)), "{place}: version {version} of row {id} twice in life {life}");
        let seen = newest.entry(id).or_default();
        *seen = (*seen).max(version);
    }
    let lost: Vec<_> = written.iter().filter(|(id, version)| newest.get(id) != Some(version)).take(10).collect();
    assert!(lost.is_empty(), "last versions that are not in the topic (row, version): {lost:?}");
    let lives: HashSet<usize> = sent.iter().map(|(life, ..)| *life).collect();
    println!("{} records from {} lives for {} rows", records.len(), lives.len(), written.len());
    // Else it would only have been the last life's work.
    assert!(lives.len() > KILLS / 4, "too few lives have sent anything: {}", lives.len());
    Ok(())
}

/// Files hold the topic's records without gap or overlap, from the first to the committed offset at least.
fn check_files(records: &[Record], committed: &BTreeMap<i32, i64>, files: &[ParquetFile]) -> Result<()> {
    let mut next: BTreeMap<i32, i64> = BTreeMap::new();
    let by_place: HashMap<(i32, i64), &Record> =
        records.iter().map(|record| ((record.partition, record.offset), record)).collect();
    let mut placed: Vec<(i32, i64, &ParquetFile)> = Vec::new();
    for file in files {
        let (partition, start) = place_of(&file.file)?;
        placed.push((partition, start, file));
    }
    placed.sort_by_key(|(partition, start, _)| (*partition, *start));
    for (partition, start, file) in placed {
        let expected = next.entry(partition).or_default();
        assert_eq!(start, *expected, "{}: the file before it ends at {expected}", file.file);
        for (offset, row) in (start..).zip(&file.rows) {
            let record = by_place.get(&(partition, offset));
            let record = record.ok_or_else(|| Error::new(format!("{}: no record {offset}", file.file)))?;
            let of_row = (row["id"].as_i64().unwrap_or_default(), row["version"].as_i64().unwrap_or_default());
            assert_eq!(of_row, identity(record)?, "{}, offset {offset}", file.file);
        }
        *expected = start + file.row_count as i64;
    }
    assert_eq!(committed.len() as i32, PARTITIONS, "{committed:?}");
    for (partition, committed) in committed {
        let end = next.get(partition).copied().unwrap_or_default();
        assert!(end >= *committed, "partition {partition}: committed {committed}, in files up to {end}");
    }
    println!("{} files up to {next:?}, committed {committed:?}", files.len());
    Ok(())
}

fn identity(record: &Record) -> Result<(i64, i64)> {
    let value = record.value_json()?;
    match (value["id"].as_i64(), value["version"].as_i64()) {
        (Some(id), Some(version)) => Ok((id, version)),
        _ => Err(Error::new(format!("no row: {value}"))),
    }
}

/// Partition and first offset of `.../<topic>+<partition>+<offset>.snappy.parquet`.
fn place_of(key: &str) -> Result<(i32, i64)> {
    let parts: Vec<&str> = key.split('+').collect();
    let [_, partition, rest] = parts[..] else { return Err(Error::new(format!("object {key}"))) };
    let offset = rest.split('.').next().unwrap_or_default();
    Ok((partition.parse()?, offset.parse()?))
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as i64)
}
