//! `org.apache.kafka.connect.storage.StringConverter`: the text of any value.

mod charset;
mod print;

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, FieldRef};
use millstream_api::config::{ConfigType, Importance, Width};
use millstream_api::{Column, Config, ConfigDef, ConfigKey, Converter, ConverterRole, Decoded, Encoded, Error, Result};

use super::arena::{Arena, all_failed};
use super::bytes::one_run;
use super::{converter_type, with_role};
use charset::Charset;
use print::Printer;

const ENCODING: &str = "converter.encoding";

static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
    let mut encoding = ConfigKey::with_default(
        ENCODING,
        ConfigType::String,
        "UTF-8",
        Importance::High,
        format!("The character set of the bytes: {}.", charset::KNOWN),
    );
    encoding.width = Width::Medium;
    encoding.display_name = "Encoding".to_owned();
    ConfigDef::new().key(converter_type()).key(encoding)
});
static FIELD: LazyLock<FieldRef> = LazyLock::new(|| Arc::new(Field::new("value", DataType::Utf8, true)));

/// The settings, as REST shows them.
pub(crate) fn config_def() -> &'static ConfigDef {
    &DEF
}

/// Reads payloads as optional text; writes the text that Java's `toString` gives of a value.
///
/// Bytes have no such text that means anything (Java writes an object's address): they are refused.
pub(crate) struct StringConverter {
    charset: Charset,
}

impl StringConverter {
    /// For UTF-8.
    pub fn new() -> Self {
        Self { charset: Charset::Utf8 }
    }

    fn encode_rows(&self, column: &Column) -> Result<Encoded> {
        let is_text = column.field().data_type() == &DataType::Utf8 && !column.is_schemaless();
        if is_text && column.absent_rows().is_none() && self.charset == Charset::Utf8 {
            let text = column.array().as_string::<i32>().clone();
            return Ok(Encoded { payloads: BinaryArray::from(text), failures: Vec::new() });
        }
        if column.is_all_absent() {
            return Ok(Arena::new(0, 0).nulls(column.len()));
        }
        let printer = Printer::new(column.field(), column.array());
        let mut arena = Arena::new(column.len(), column.byte_size());
        let mut text = Vec::new();
        for row in 0..column.len() {
            if column.is_null(row) {
                arena.push_null();
                continue;
            }
            arena.push(row, |out| {
                if self.charset == Charset::Utf8 {
                    return printer.print(row, out);
                }
                text.clear();
                printer.print(row, &mut text)?;
                self.charset.encode(&String::from_utf8_lossy(&text), out);
                Ok(())
            });
        }
        arena.finish()
    }
}

impl Converter for StringConverter {
    fn configure(&mut self, config: &Config, role: ConverterRole) -> Result<()> {
        let values = DEF.validate(&with_role(config, role)).into_valid()?;
        let name = values.text(ENCODING).unwrap_or("UTF-8");
        self.charset = Charset::of_name(name).ok_or_else(|| {
            Error::config(format!("Invalid value {name} for configuration {ENCODING}: this character set is not known"))
                .hint(format!("use {}", charset::KNOWN))
        })?;
        Ok(())
    }

    fn decode(&mut self, _topic: &str, payloads: &BinaryArray) -> Decoded {
        if self.charset == Charset::Utf8
            && let Ok(text) = StringArray::try_from_binary(payloads.clone())
        {
            return one_run(FIELD.clone(), Arc::new(text));
        }
        let mut text = StringBuilder::with_capacity(payloads.len(), payloads.value_data().len());
        for payload in payloads {
            text.append_option(payload.map(|bytes| self.charset.decode(bytes)));
        }
        one_run(FIELD.clone(), Arc::new(text.finish()) as ArrayRef)
    }

    fn encode(&mut self, _topic: &str, column: &Column) -> Encoded {
        self.encode_rows(column).unwrap_or_else(|error| all_failed(column, &error))
    }
}
