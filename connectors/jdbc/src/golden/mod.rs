//! Recorded answers of the incumbent, compared on a real Postgres.
//!
//! Each list of differences names the decision behind it by its row in the list of observed defects.

mod keys;
mod live;
mod modes;
mod play;
mod types;
mod validate;

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

/// A database on a fresh server, emptied between cases.
struct Database {
    server: Postgres,
}

impl Database {
    async fn start() -> Self {
        Self { server: Postgres::builder().setting("lc_monetary", "C").start().await.unwrap() }
    }

    async fn run(&self, statements: &[&str]) {
        let mut connection = self.server.connect("postgres").await.unwrap();
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
            ("connection.url".to_owned(), self.server.jdbc_url("postgres")),
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

fn json_converter(settings: &Config) -> Box<dyn Converter> {
    let mut converter = millstream_plugins::converter("org.apache.kafka.connect.json.JsonConverter").unwrap();
    converter.configure(settings, ConverterRole::Value).unwrap();
    converter
}
