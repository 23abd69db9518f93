//! The first thing users do: a Postgres source and an S3 sink, in the words they already have.

use std::net::IpAddr;

use millstream_testbed::poll::until;
use millstream_testbed::{
    Error, Kafka, NewRecord, ParquetFile, Postgres, Record, Result, S3, Topics, Worker, WorkerProperties,
    read_parquet_objects, shared, unique,
};
use serde_json::{Map, Value, json};
use sqlx::Row as _;

use crate::scenario::{JDBC_SOURCE, JSON, LIMIT, S3_SINK};

/// To be accepted as they are, word for word.
const SOURCE: &str = r#"{"name": "postgres-source-connector", "config": {
  "connector.class": "io.confluent.connect.jdbc.JdbcSourceConnector",
  "connection.url": "jdbc:postgresql://db:5432/mydb",
  "connection.user": "kafkauser", "connection.password": "secret",
  "mode": "timestamp", "timestamp.column.name": "updated_at",
  "table.whitelist": "orders,users", "topic.prefix": "db.", "poll.interval.ms": "5000"}}"#;
const SINK: &str = r#"{"name": "s3-sink-connector", "config": {
  "connector.class": "io.confluent.connect.s3.S3SinkConnector",
  "tasks.max": "4", "topics": "orders,user-events",
  "s3.region": "ap-south-1", "s3.bucket.name": "my-kafka-archive", "s3.part.size": "5242880",
  "flush.size": "1000", "rotate.interval.ms": "300000",
  "storage.class": "io.confluent.connect.s3.storage.S3Storage",
  "format.class": "io.confluent.connect.s3.format.parquet.ParquetFormat", "parquet.codec": "snappy"}}"#;
const BUCKET: &str = "my-kafka-archive";

const TABLES: &str = "\
create table orders (
  id bigint primary key, customer text not null, amount numeric(12,2) not null, quantity integer, paid boolean,
  weight double precision, placed_on date, note varchar(40), updated_at timestamptz not null);
create table users (
  id integer primary key, email text, active boolean not null, rating real, born date,
  updated_at timestamp not null);
alter table orders owner to kafkauser;
alter table users owner to kafkauser;";
const ORDERS: i64 = 1200;
const USERS: i64 = 600;

#[tokio::test]
async fn the_two_connectors_run_as_they_are_written() -> Result<()> {
    let world = World::new("mydb", 11).await?;
    // Events as producers write them: no schema, and not every field in every event.
    world.topics.create("orders", 1, &[]).await?;
    world.topics.create("user-events", 2, &[]).await?;
    world.s3.create_bucket(BUCKET).await?;
    let orders: Vec<Value> = (0..2000).map(order_event).collect();
    let events: Vec<Value> = (0..2000).map(user_event).collect();
    let record = |event: &Value| NewRecord::value(event.to_string());
    world.topics.produce("orders", orders.iter().map(record)).await?;
    let halves = events.iter().enumerate().map(|(index, event)| record(event).partition((index % 2) as i32));
    world.topics.produce("user-events", halves).await?;

    for body in [SOURCE, SINK] {
        let answer = world.worker.rest().request("POST", "/connectors", &[], Some(body.as_bytes())).await?;
        assert_eq!(answer.status, 201, "{}\n{}", answer.body, world.worker.log_tail());
    }
    world.worker.rest().wait_running("postgres-source-connector", 1, LIMIT).await?;
    world.worker.rest().wait_running("s3-sink-connector", 4, LIMIT).await?;

    // Postgres = topics, before and after some rows have changed.
    let topic_orders = world.wait_rows("db.orders", ORDERS).await?;
    let topic_users = world.wait_rows("db.users", USERS).await?;
    assert_rows(&world.plain_orders().await?, &json_values(&topic_orders)?, "db.orders");
    assert_rows(&world.plain_users().await?, &json_values(&topic_users)?, "db.users");
    let changed =
        "update orders set amount = amount + 1, note = null, updated_at = clock_timestamp() where id % 100 = 0";
    let changed = world.postgres.execute("mydb", changed).await? as i64;
    let again = world.wait_rows("db.orders", ORDERS + changed).await?;
    assert_rows(&world.plain_orders().await?, &json_values(&again)?, "db.orders after the update");

    // Events = Parquet, in files with Confluent's names.
    let files = world.wait_files(BUCKET, "topics", 4).await?;
    let names: Vec<&str> = files.iter().map(|file| file.file.as_str()).collect();
    assert_eq!(
        names,
        [
            "topics/orders/partition=0/orders+0+0000000000.snappy.parquet",
            "topics/orders/partition=0/orders+0+0000001000.snappy.parquet",
            "topics/user-events/partition=0/user-events+0+0000000000.snappy.parquet",
            "topics/user-events/partition=1/user-events+1+0000000000.snappy.parquet",
        ]
    );
    for file in &files {
        assert_eq!((file.row_count, file.compression.as_deref()), (1000, Some("SNAPPY")), "{}", file.file);
    }
    assert_events(&orders, files[..2].iter().flat_map(|file| &file.rows).collect());
    let both: Vec<&Map<String, Value>> =
        files[2].rows.iter().zip(&files[3].rows).flat_map(|(even, odd)| [even, odd]).collect();
    assert_events(&events, both);
    assert_eq!(world.worker.terminate().await?, 0, "{}", world.worker.log_tail());
    Ok(())
}

#[tokio::test]
async fn with_schemas_the_types_reach_the_files() -> Result<()> {
    let world = World::new(&unique("typed"), 12).await?;
    let bucket = unique("typed");
    world.s3.create_bucket(&bucket).await?;
    let prefix = format!("{}.", unique("typed"));
    let (source, sink) = (unique("typed-source"), unique("typed-sink"));
    let (orders, users) = (format!("{prefix}orders"), format!("{prefix}users"));
    let source_config = json!({
        "connector.class": JDBC_SOURCE, "connection.url": format!("jdbc:postgresql://db:5432/{}", world.database),
        "connection.user": "kafkauser", "connection.password": "secret", "mode": "timestamp",
        "timestamp.column.name": "updated_at", "table.whitelist": "orders,users", "topic.prefix": prefix,
        "poll.interval.ms": "500", "tasks.max": "2",
        "value.converter": JSON, "value.converter.schemas.enable": "true",
    });
    let sink_config = json!({
        "connector.class": S3_SINK, "tasks.max": "2", "topics": format!("{orders},{users}"),
        "s3.region": "ap-south-1", "s3.bucket.name": bucket, "flush.size": "300",
        "storage.class": "io.confluent.connect.s3.storage.S3Storage",
        "format.class": "io.confluent.connect.s3.format.parquet.ParquetFormat",
        "value.converter": JSON, "value.converter.schemas.enable": "true",
    });
    world.worker.rest().create(&source, &source_config).await?;
    world.worker.rest().wait_running(&source, 2, LIMIT).await?;
    world.wait_rows(&orders, ORDERS).await?;
    world.wait_rows(&users, USERS).await?;
    world.worker.rest().create(&sink, &sink_config).await?;
    world.worker.rest().wait_running(&sink, 2, LIMIT).await?;
    let files = world.wait_files(&bucket, "topics", ((ORDERS + USERS) / 300) as usize).await?;

    let of = |topic: &str| files.iter().filter(|file| file.file.starts_with(&format!("topics/{topic}/"))).collect();
    let (order_files, user_files): (Vec<&ParquetFile>, Vec<&ParquetFile>) = (of(&orders), of(&users));
    assert_eq!(
        columns(order_files[0]),
        "id int64 | customer string | amount decimal128(12, 2) | quantity int32 ? | paid bool ? | weight double ? | \
         placed_on date32[day] ? | note string ? | updated_at timestamp[ms, tz=UTC]"
    );
    assert_eq!(
        columns(user_files[0]),
        "id int32 | email string ? | active bool | rating float ? | born date32[day] ? | \
         updated_at timestamp[ms, tz=UTC]"
    );
    assert_rows(&world.typed_orders().await?, &file_values(&order_files), "Parquet of orders");
    assert_rows(&world.typed_users().await?, &file_values(&user_files), "Parquet of users");
    assert_eq!(world.worker.terminate().await?, 0, "{}", world.worker.log_tail());
    Ok(())
}

/// Postgres as host `db` with filled tables, and a worker with plain JSON as its converters.
struct World {
    postgres: Postgres,
    s3: &'static S3,
    topics: Topics,
    worker: Worker,
    database: String,
}

impl World {
    async fn new(database: &str, number: u8) -> Result<World> {
        let address = own_loopback_address(number);
        let (kafka, s3) = tokio::try_join!(shared().kafka(), shared().s3())?;
        let postgres = Postgres::builder().address(address).port(5432).start().await?;
        postgres.create_role("kafkauser", "secret").await?;
        postgres.create_database(database, Some("kafkauser")).await?;
        postgres.execute(database, TABLES).await?;
        postgres.execute(database, fill()).await?;
        let worker = worker(kafka, s3, address).await?;
        Ok(World { postgres, s3, topics: Topics::new(kafka.bootstrap()), worker, database: database.to_owned() })
    }

    async fn wait_rows(&self, topic: &str, count: i64) -> Result<Vec<Record>> {
        let read = self.topics.read_at_least(topic, count as usize, LIMIT).await;
        let records = read.map_err(|error| error.with_log(&self.worker.log()))?;
        assert_eq!(records.len(), count as usize, "records in {topic}");
        Ok(records)
    }

    async fn wait_files(&self, bucket: &str, prefix: &str, count: usize) -> Result<Vec<ParquetFile>> {
        let there = until(format!("{count} files in {bucket}"), LIMIT, || async {
            let keys = self.s3.keys(bucket, prefix).await?;
            if keys.len() >= count { Ok(Some(())) } else { Err(Error::new(format!("{keys:?}"))) }
        });
        there.await.map_err(|error| error.with_log(&self.worker.log()))?;
        read_parquet_objects(self.s3, bucket, prefix).await
    }

    /// Rows as the JSON text that the database itself makes of `columns`, by id.
    async fn rows(&self, table: &str, columns: &str) -> Result<Vec<Value>> {
        let sql = format!("select row_to_json(t)::text from (select {columns} from {table} order by id) t");
        let rows = self.postgres.rows(&self.database, sql).await?;
        rows.iter().map(|row| Ok(serde_json::from_str(&row.try_get::<String, _>(0)?)?)).collect()
    }

    // Without schemas a date is a number of days and a time one of milliseconds.
    async fn plain_orders(&self) -> Result<Vec<Value>> {
        self.rows(
            "orders",
            "id, customer, amount, quantity, paid, weight, placed_on - date '1970-01-01' as placed_on, note, \
             floor(extract(epoch from updated_at) * 1000)::bigint as updated_at",
        )
        .await
    }

    async fn plain_users(&self) -> Result<Vec<Value>> {
        self.rows(
            "users",
            "id, email, active, rating, born - date '1970-01-01' as born, \
             floor(extract(epoch from updated_at) * 1000)::bigint as updated_at",
        )
        .await
    }

    // As Python prints the values: decimals, dates and times are text.
    async fn typed_orders(&self) -> Result<Vec<Value>> {
        self.rows(
            "orders",
            "id, customer, amount::text, quantity, paid, weight, placed_on::text, note, \
             replace(to_char(date_trunc('milliseconds', updated_at), 'YYYY-MM-DD\"T\"HH24:MI:SS.US+00:00'), \
             '.000000', '') as updated_at",
        )
        .await
    }

    async fn typed_users(&self) -> Result<Vec<Value>> {
        self.rows(
            "users",
            "id, email, active, rating, born::text, \
             replace(to_char(date_trunc('milliseconds', updated_at), 'YYYY-MM-DD\"T\"HH24:MI:SS.US+00:00'), \
             '.000000', '') as updated_at",
        )
        .await
    }
}

async fn worker(kafka: &Kafka, s3: &S3, db: IpAddr) -> Result<Worker> {
    let properties = WorkerProperties::distributed(&kafka.bootstrap(), &unique("seed"))
        .set("key.converter.schemas.enable", false)
        .set("value.converter.schemas.enable", false)
        .set("value.converter.decimal.format", "NUMERIC");
    Worker::builder(properties)
        .host("db", db)
        .env("AWS_ENDPOINT_URL_S3", s3.endpoint())
        .env("AWS_ACCESS_KEY_ID", s3.access_key())
        .env("AWS_SECRET_ACCESS_KEY", s3.secret_key())
        .start()
        .await
}

/// A loopback address that no other process (and no other test with another `number`) listens on at port 5432.
fn own_loopback_address(number: u8) -> IpAddr {
    let pid = std::process::id().to_be_bytes();
    IpAddr::from([127, 100 + (pid[2] & 0x7f), pid[3], number])
}

// Nulls, negative numbers, other scripts, the days before 1970, microseconds that a record does not keep.
fn fill() -> String {
    format!(
        "insert into orders select i, 'customer ' || i || case when i % 7 = 0 then ' ä€𝄞 \"quoted\"' else '' end,
           (i - 600) * 1.25 + 0.01, case when i % 3 > 0 then i end, case when i % 4 > 0 then i % 2 = 0 end,
           case when i % 5 > 0 then i / 8.0 end, case when i % 6 > 0 then date '1969-06-01' + i::int end,
           case when i % 2 > 0 then 'note' end, timestamptz '2024-01-01 00:00:00.000789Z' + i * interval '1.000123 s'
         from generate_series(1, {ORDERS}) i;
         insert into users select i, case when i % 9 > 0 then 'u' || i || '@example.org' end, i % 2 = 0,
           case when i % 5 > 0 then i / 4.0 end, case when i % 6 > 0 then date '1950-01-01' + i::int * 40 end,
           timestamp '2024-02-01 00:00:00' + i * interval '0.25 s'
         from generate_series(1, {USERS}) i"
    )
}

fn order_event(index: i64) -> Value {
    let mut event = json!({
        "order_id": index, "amount": index as f64 * 1.5 + 0.25, "status": if index % 3 == 0 { "paid" } else { "open" },
        "items": [{"sku": format!("sku-{}", index % 17), "count": index % 5}], "express": index % 2 == 0,
        "customer": {"name": format!("Кунде {index}"), "country": null},
    });
    if index % 10 == 0 {
        event["coupon"] = json!(format!("C{index}"));
    }
    event
}

fn user_event(index: i64) -> Value {
    let action = ["login", "logout", "click"][index as usize % 3];
    json!({"user": index, "action": action, "at": 1_700_000_000_000i64 + index})
}

/// The last value of each id equals the database's row.
fn assert_rows(rows: &[Value], values: &[Value], place: &str) {
    assert!(!rows.is_empty());
    for row in rows {
        let found = values.iter().rfind(|value| value["id"] == row["id"]);
        assert_eq!(found.map(whole), Some(whole(row)), "row {} in {place}", row["id"]);
    }
}

/// The value with its whole numbers written as integers: 1.0 and 1 are the same number.
fn whole(value: &Value) -> Value {
    let Value::Object(fields) = value else { return value.clone() };
    let one = |field: &Value| match field.as_f64() {
        Some(number) if number.fract() == 0.0 => json!(number as i64),
        _ => field.clone(),
    };
    fields.iter().map(|(name, field)| (name.clone(), one(field))).collect()
}

fn json_values(records: &[Record]) -> Result<Vec<Value>> {
    records.iter().map(Record::value_json).collect()
}

fn file_values(files: &[&ParquetFile]) -> Vec<Value> {
    files.iter().flat_map(|file| file.rows.iter().cloned().map(Value::Object)).collect()
}

/// Every event is a row in its place; a field that an event lacks is null there.
fn assert_events(events: &[Value], rows: Vec<&Map<String, Value>>) {
    assert_eq!(events.len(), rows.len());
    for (event, row) in events.iter().zip(rows) {
        let Value::Object(event) = event else { panic!("an event is an object: {event}") };
        let mut wanted = event.clone();
        for name in row.keys() {
            wanted.entry(name).or_insert(Value::Null);
        }
        assert_eq!(&wanted, row);
    }
}

fn columns(file: &ParquetFile) -> String {
    let one = |column: &millstream_testbed::parquet_reader::ParquetColumn| {
        format!("{} {}{}", column.name, column.data_type, if column.nullable { " ?" } else { "" })
    };
    file.schema.iter().map(one).collect::<Vec<_>>().join(" | ")
}
