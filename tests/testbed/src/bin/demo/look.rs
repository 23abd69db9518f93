//! A look into a Parquet file, and the addresses to look around at.

use millstream_testbed::{ConnectRest, Error, Result, read_parquet_objects};
use serde_json::Value;

use crate::connectors::TYPED;
use crate::database::DATABASE;
use crate::screen::Screen;
use crate::services::{BUCKET, Services};

const ROWS: usize = 4;
const WIDTH: usize = 26;

/// Prints schema and first rows of the newest file of the typed orders, as pyarrow reads them.
pub async fn show_rows(services: &Services, screen: &Screen) -> Result<()> {
    let mut files = read_parquet_objects(&services.s3, BUCKET, &format!("topics/{TYPED}orders")).await?;
    let file = files.pop().ok_or_else(|| Error::new(format!("no file of {TYPED}orders")))?;
    let codec = file.compression.as_deref().unwrap_or("no");
    screen.step(&format!("rows read back by pyarrow from s3://{BUCKET}/{}", file.file));
    screen.detail(&format!("{} rows, {codec} compression", file.row_count));
    let mut lines: Vec<Vec<String>> = vec![
        file.schema.iter().map(|column| column.name.clone()).collect(),
        file.schema.iter().map(|column| column.data_type.clone()).collect(),
    ];
    for row in file.rows.iter().take(ROWS) {
        lines.push(file.schema.iter().map(|column| shown(row.get(&column.name))).collect());
    }
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|text| text.chars().count()).max();
    let widths: Vec<usize> = (0..file.schema.len()).map(|column| width(column).unwrap_or_default()).collect();
    for line in &lines {
        let cells: Vec<String> = line.iter().zip(&widths).map(|(text, width)| format!("{text:width$}")).collect();
        screen.detail(cells.join("  ").trim_end());
    }
    Ok(())
}

fn shown(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    // Times are the longest: without zone, to the millisecond.
    let text = text.replace("000+00:00", "");
    if text.chars().count() > WIDTH { text.chars().take(WIDTH - 3).chain("...".chars()).collect() } else { text }
}

/// Prints where everything is and what to try.
pub fn show_addresses(services: &Services, rest: &ConnectRest, screen: &Screen) {
    let (base, s3) = (rest.base(), &services.s3);
    screen.step("everything stays up and new rows keep coming; Ctrl-C ends it");
    for line in [
        format!("REST      {base}"),
        format!("Kafka     {}", services.kafka.bootstrap()),
        format!(
            "Postgres  postgres://kafkauser:secret@{}:{}/{DATABASE}",
            services.postgres.address(),
            services.postgres.port()
        ),
        format!(
            "S3        {}/{BUCKET} (access key {}, secret key {})",
            s3.endpoint(),
            s3.access_key(),
            s3.secret_key()
        ),
        String::new(),
        "Try:".to_owned(),
        format!("  curl -s '{base}/connectors?expand=status'"),
        format!("  curl -s {base}/connectors/s3-sink-connector/status"),
        format!("  curl -s -X PUT {base}/connectors/postgres-source-connector/pause"),
        format!("  curl -s -X PUT {base}/connectors/postgres-source-connector/resume"),
        format!("  curl -s -X POST '{base}/connectors/postgres-source-connector/restart?includeTasks=true'"),
        format!("  curl -s {base}/connector-plugins"),
    ] {
        screen.detail(&line);
    }
}
