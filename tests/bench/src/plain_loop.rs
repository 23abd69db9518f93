//! What the sink is measured against: a plain loop over the same crates that knows the one schema at compile time, decodes
//! the same bytes and writes Parquet into memory.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Decimal128Builder, Float64Builder, Int16Builder, Int32Builder, Int64Builder, RecordBatch,
    StringBuilder, TimestampMillisecondBuilder,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use millstream_testbed::{Context, Result};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde::Deserialize;

use crate::machine::thread_cpu_seconds;
use crate::topic::Payloads;

const BATCH: usize = 8_192;

/// What the payloads are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `{"schema":…,"payload":…}` with Connect's types.
    Envelope,
    /// The payload alone, with JSON's types.
    Plain,
}

/// What the loop used.
pub struct Used {
    /// CPU seconds.
    pub cpu_seconds: f64,
    /// Bytes of Parquet it made.
    pub parquet_bytes: usize,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    payload: Typed<'a>,
}

#[derive(Deserialize)]
struct Typed<'a> {
    id: i64,
    customer_id: i64,
    product_id: i32,
    quantity: i16,
    unit_price: f64,
    total: &'a str,
    status: &'a str,
    email: &'a str,
    note: Option<&'a str>,
    active: bool,
    region: &'a str,
    updated_at: i64,
}

#[derive(Deserialize)]
struct Inferred<'a> {
    id: i64,
    customer_id: i64,
    product_id: i64,
    quantity: i64,
    unit_price: f64,
    total: f64,
    #[serde(borrow)]
    status: &'a str,
    email: &'a str,
    note: Option<&'a str>,
    active: bool,
    region: &'a str,
    updated_at: i64,
}

/// Runs the loop on a thread of its own; a file ends after `file_rows` rows.
pub async fn run(payloads: Arc<Payloads>, form: Form, file_rows: usize) -> Result<Used> {
    tokio::task::spawn_blocking(move || {
        let started = thread_cpu_seconds()?;
        let parquet_bytes = match form {
            Form::Envelope => write::<TypedColumns>(&payloads, file_rows)?,
            Form::Plain => write::<InferredColumns>(&payloads, file_rows)?,
        };
        Ok(Used { cpu_seconds: thread_cpu_seconds()? - started, parquet_bytes })
    })
    .await?
}

/// Builders of one row type.
trait Columns: Default {
    fn append(&mut self, payload: &[u8]) -> Result<()>;
    fn finish(&mut self) -> Result<RecordBatch>;
}

fn write<C: Columns>(payloads: &Payloads, file_rows: usize) -> Result<usize> {
    let mut columns = C::default();
    let (mut writer, mut parquet_bytes, mut in_batch, mut in_file) = (None, 0, 0, 0);
    for (index, payload) in payloads.iter().enumerate() {
        columns.append(payload).context(format!("record {index}"))?;
        (in_batch, in_file) = (in_batch + 1, in_file + 1);
        let file_ends = in_file == file_rows || index + 1 == payloads.len();
        if in_batch == BATCH || file_ends {
            in_batch = 0;
            let batch = columns.finish()?;
            let open = match &mut writer {
                Some(open) => open,
                None => {
                    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
                    writer.insert(ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))?)
                }
            };
            open.write(&batch)?;
        }
        if file_ends && let Some(open) = writer.take() {
            in_file = 0;
            parquet_bytes += open.into_inner()?.len();
        }
    }
    Ok(parquet_bytes)
}

#[derive(Default)]
struct TypedColumns {
    id: Int64Builder,
    customer_id: Int64Builder,
    product_id: Int32Builder,
    quantity: Int16Builder,
    unit_price: Float64Builder,
    total: Decimal128Builder,
    status: StringBuilder,
    email: StringBuilder,
    note: StringBuilder,
    active: BooleanBuilder,
    region: StringBuilder,
    updated_at: TimestampMillisecondBuilder,
}

impl Columns for TypedColumns {
    fn append(&mut self, payload: &[u8]) -> Result<()> {
        let row = sonic_rs::from_slice::<Envelope<'_>>(payload)?.payload;
        self.id.append_value(row.id);
        self.customer_id.append_value(row.customer_id);
        self.product_id.append_value(row.product_id);
        self.quantity.append_value(row.quantity);
        self.unit_price.append_value(row.unit_price);
        self.total.append_value(unscaled(row.total)?);
        self.status.append_value(row.status);
        self.email.append_value(row.email);
        self.note.append_option(row.note);
        self.active.append_value(row.active);
        self.region.append_value(row.region);
        self.updated_at.append_value(row.updated_at);
        Ok(())
    }

    fn finish(&mut self) -> Result<RecordBatch> {
        let columns: [(&str, ArrayRef); 12] = [
            ("id", Arc::new(self.id.finish())),
            ("customer_id", Arc::new(self.customer_id.finish())),
            ("product_id", Arc::new(self.product_id.finish())),
            ("quantity", Arc::new(self.quantity.finish())),
            ("unit_price", Arc::new(self.unit_price.finish())),
            ("total", Arc::new(self.total.finish().with_precision_and_scale(38, 2)?)),
            ("status", Arc::new(self.status.finish())),
            ("email", Arc::new(self.email.finish())),
            ("note", Arc::new(self.note.finish())),
            ("active", Arc::new(self.active.finish())),
            ("region", Arc::new(self.region.finish())),
            ("updated_at", Arc::new(self.updated_at.finish().with_timezone("UTC"))),
        ];
        Ok(RecordBatch::try_from_iter(columns)?)
    }
}

/// Connect's Decimal: the unscaled number in two's complement, big end first, in Base64.
fn unscaled(text: &str) -> Result<i128> {
    let mut bytes = [0; 18];
    let length = BASE64_STANDARD.decode_slice(text, &mut bytes).context("a decimal")?;
    let negative = length > 0 && bytes[0] >= 0x80;
    Ok(bytes[..length].iter().fold(if negative { -1 } else { 0 }, |number, &byte| number << 8 | i128::from(byte)))
}

#[derive(Default)]
struct InferredColumns {
    id: Int64Builder,
    customer_id: Int64Builder,
    product_id: Int64Builder,
    quantity: Int64Builder,
    unit_price: Float64Builder,
    total: Float64Builder,
    status: StringBuilder,
    email: StringBuilder,
    note: StringBuilder,
    active: BooleanBuilder,
    region: StringBuilder,
    updated_at: Int64Builder,
}

impl Columns for InferredColumns {
    fn append(&mut self, payload: &[u8]) -> Result<()> {
        let row: Inferred<'_> = sonic_rs::from_slice(payload)?;
        self.id.append_value(row.id);
        self.customer_id.append_value(row.customer_id);
        self.product_id.append_value(row.product_id);
        self.quantity.append_value(row.quantity);
        self.unit_price.append_value(row.unit_price);
        self.total.append_value(row.total);
        self.status.append_value(row.status);
        self.email.append_value(row.email);
        self.note.append_option(row.note);
        self.active.append_value(row.active);
        self.region.append_value(row.region);
        self.updated_at.append_value(row.updated_at);
        Ok(())
    }

    fn finish(&mut self) -> Result<RecordBatch> {
        let columns: [(&str, ArrayRef); 12] = [
            ("id", Arc::new(self.id.finish())),
            ("customer_id", Arc::new(self.customer_id.finish())),
            ("product_id", Arc::new(self.product_id.finish())),
            ("quantity", Arc::new(self.quantity.finish())),
            ("unit_price", Arc::new(self.unit_price.finish())),
            ("total", Arc::new(self.total.finish())),
            ("status", Arc::new(self.status.finish())),
            ("email", Arc::new(self.email.finish())),
            ("note", Arc::new(self.note.finish())),
            ("active", Arc::new(self.active.finish())),
            ("region", Arc::new(self.region.finish())),
            ("updated_at", Arc::new(self.updated_at.finish())),
        ];
        Ok(RecordBatch::try_from_iter(columns)?)
    }
}

#[cfg(test)]
mod tests {
    use super::unscaled;

    #[test]
    fn decimals() {
        let of = |bytes: &[u8]| unscaled(&super::Engine::encode(&super::BASE64_STANDARD, bytes)).ok();
        assert_eq!([of(&[0x04, 0xd2]), of(&[0xff]), of(&[0x00, 0x80])], [Some(1234), Some(-1), Some(128)]);
    }
}
