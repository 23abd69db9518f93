//! Recorded answers of the incumbent, compared on a real Postgres.
//!
//! Each list of differences names the decision behind it by its row in the list of observed defects.

mod keys;
mod live;
mod modes;
mod play;
mod types;
mod validate;

use std::sync::{Arc, Mutex};

use millstream_api::{Config, Converter, ConverterRole};
use millstream_testbed::Postgres;
use serde_json::{Map, Value};

/// The lines of a recording.
fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().map(|all| all.iter().map(|text| text.as_str().unwrap()).collect()).unwrap_or_default()
}

fn name(case: &Value) -> &str {
    case["name"].as_str().unwrap()
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// A database, emptied between cases.
struct Database {
    server: Arc<Postgres>,
    name: String,
}

impl Database {
    /// On a fresh server.
    async fn start() -> Self {
        let settings = Postgres::builder().setting("lc_monetary", "C").setting("scram_iterations", 1);
        let server = settings.start().await.unwrap();
        // Cases connect often, and the usual 4096 rounds are slow in a debug build.
        let password = format!("alter role {} password '{}'", server.user(), server.password());
        server.execute("postgres", password).await.unwrap();
        Self { server: Arc::new(server), name: "postgres".to_owned() }
    }

    /// Several, all on one fresh server.
    async fn start_many(count: usize) -> Vec<Self> {
        let first = Self::start().await;
        let mut all = Vec::new();
        for i in 0..count {
            let name = format!("case{i}");
            first.server.create_database(&name, None).await.unwrap();
            all.push(Self { server: first.server.clone(), name });
        }
        all
    }

    async fn run(&self, statements: &[&str]) {
        let mut connection = self.server.connect(&self.name).await.unwrap();
        for statement in statements {
            sqlx::raw_sql(sqlx::AssertSqlSafe((*statement).to_owned()))
                .execute(&mut connection)
                .await
                .unwrap_or_else(|e| panic!("{statement}: {e}"));
        }
        sqlx::Connection::close(connection).await.unwrap();
    }

    /// Drops everything a case may have made.
    async fn empty(&self) {
        self.run(&[
            "do $$ declare s text; begin for s in select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> \
             'information_schema' loop execute format('drop schema %I cascade', s); end loop; end $$",
            "create schema public",
        ])
        .await;
    }

    fn connection(&self) -> Vec<(String, String)> {
        vec![
            ("connection.url".to_owned(), self.server.jdbc_url(&self.name)),
            ("connection.user".to_owned(), self.server.user().to_owned()),
            ("connection.password".to_owned(), self.server.password().to_owned()),
        ]
    }

    /// A configuration that reaches this database.
    fn config<'a>(&self, entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Config {
        let mut config: Config = self.connection().into_iter().map(|(key, value)| (key, Some(value))).collect();
        for (key, value) in entries {
            config.set(key, value);
        }
        config
    }
}

/// Plays cases, a few at a time, each in a database of its own; comes back with what is wrong, case by case.
async fn play_cases(recording: &str, play: impl AsyncFn(&Database, &Value) -> Vec<String>) -> Vec<String> {
    let cases = Mutex::new(lines(recording).into_iter());
    let databases = Database::start_many(4).await;
    let players = databases.iter().map(async |database| {
        let mut wrong = Vec::new();
        loop {
            let Some(case) = cases.lock().unwrap().next() else { return wrong };
            database.empty().await;
            database.run(&texts(&case["ddl"])).await;
            wrong.extend(play(database, &case).await.into_iter().map(|e| format!("## {}\n{e}", name(&case))));
        }
    });
    futures::future::join_all(players).await.concat()
}

fn json_converter(settings: &Config) -> Box<dyn Converter> {
    let mut converter = millstream_plugins::converter("org.apache.kafka.connect.json.JsonConverter").unwrap();
    converter.configure(settings, ConverterRole::Value).unwrap();
    converter
}
