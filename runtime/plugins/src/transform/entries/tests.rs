use super::plan::Plans;
use super::*;
use crate::transform::Part;
use arrow::array::{AsArray, StringArray};
use millstream_api::{Batch, Column};

/// Doubles the text of `a`, and drops `b`.
struct Twice;

impl EntryEdit for Twice {
    fn plan(&self, _variant: u8, slots: &mut Slots) {
        slots.keep(|name| name != "b");
        slots.make_named(std::iter::once("a"));
    }

    fn make(&mut self, _what: usize, value: &str, _: Input<'_>, _row: usize, out: &mut Vec<u8>) -> Result<Row> {
        if value == "0" {
            return Ok(Row::Same);
        }
        out.extend_from_slice(format!("[{value},{value}]").as_bytes());
        Ok(Row::Written)
    }
}

fn edited(texts: &[&str], times: usize) -> Vec<String> {
    let column = Column::schemaless(StringArray::from(texts.to_vec()));
    let batch = Batch::of_values("t", column.clone());
    let input = Input { part: Part::Value, column: &column, batch: &batch, from: None };
    let mut twice: Vec<Twice> = (0..times).map(|_| Twice).collect();
    let mut edits: Vec<&mut dyn EntryEdit> = twice.iter_mut().map(|edit| edit as &mut dyn EntryEdit).collect();
    let edited = edit_entries(&mut edits, &mut Plans::default(), input).unwrap();
    assert!(edited.failures.is_empty());
    edited.column.array().as_string::<i32>().iter().flatten().map(str::to_owned).collect()
}

#[test]
fn values_are_made_of_made_values() {
    let texts = [r#"{"a":1,"b":2,"c":3}"#, r#"{"c":0,"a":0}"#, r#"{ "b" : 1 }"#, "null", r#"{"\u0061":1}"#];
    assert_eq!(
        edited(&texts, 2),
        [
            r#"{"a":[[1,1],[1,1]],"c":3}"#,
            r#"{"c":0,"a":0}"#,
            r#"{"a":[null,null]}"#,
            "null",
            r#"{"\u0061":[[1,1],[1,1]]}"#
        ]
    );
}

#[test]
fn plans_are_found_again_and_do_not_pile_up() {
    let texts: Vec<String> = (0..60_000).map(|row| format!("{{\"a\":0,\"n{}\":{row}}}", row % 20_000)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_eq!(edited(&texts, 1), texts);
}
