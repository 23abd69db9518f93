use arrow::array::{Array, AsArray, StringArray};
use arrow::datatypes::{Float64Type, Int64Type};

use super::*;

fn rows(texts: &[&str]) -> Rows {
    Rows::all(Arc::new(parse(&StringArray::from(texts.to_vec())).unwrap()))
}

/// The columns of a file that ends after these rows.
fn columns(texts: &[&str]) -> RecordBatch {
    let mut sample = Sample::default();
    assert!(sample.take(&rows(texts)).is_none());
    let (columns, waiting) = sample.fix(true);
    columns.rows(&waiting[0]).unwrap()
}

fn types(batch: &RecordBatch) -> Vec<(String, DataType)> {
    batch.schema().fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect()
}

fn texts(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    let column = batch.column_by_name(name).unwrap().as_string::<i32>().clone();
    column.iter().map(|text| text.map(str::to_owned)).collect()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn kinds_of_columns() {
    let batch = columns(&[
        r#"{"i":1,"d":0.5,"b":true,"s":"x","n":null,"o":{"a":1,"b":[1,2]},"l":[{"x":1},{"y":"z"}]}"#,
        r#"{"i":-9223372036854775808,"d":2,"extra":"late"}"#,
    ]);
    let list = |kind: DataType| DataType::List(Arc::new(Field::new("element", kind, true)));
    let fields = |fields: &[(&str, DataType)]| {
        DataType::Struct(fields.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true)).collect())
    };
    let expected = [
        ("i", DataType::Int64),
        ("d", DataType::Float64),
        ("b", DataType::Boolean),
        ("s", DataType::Utf8),
        ("n", DataType::Utf8),
        ("o", fields(&[("a", DataType::Int64), ("b", list(DataType::Int64))])),
        ("l", list(fields(&[("x", DataType::Int64), ("y", DataType::Utf8)]))),
        ("extra", DataType::Utf8),
    ];
    assert_eq!(types(&batch), expected.map(|(name, kind)| (name.to_owned(), kind)));
    assert!(batch.schema().fields().iter().all(|field| field.is_nullable()));
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().values(), &[1, i64::MIN]);
    assert_eq!(batch.column(1).as_primitive::<Float64Type>().values(), &[0.5, 2.0]);
    assert_eq!(batch.column(4).null_count(), 2);
    assert_eq!(batch.column(5).null_count(), 1);
    assert_eq!(texts(&batch, "extra"), [None, some("late")]);
}

#[test]
fn conflicts_become_text_and_lose_nothing() {
    let batch = columns(&[
        r#"{"a":1,"b":9007199254740993,"c":{"x":1},"d":[1]}"#,
        r#"{"a":"one","b":0.5,"c":[1],"d":[2.5]}"#,
        r#"{"a":{"k":[true,null]},"b":18446744073709551615,"c":null,"d":["x"]}"#,
    ]);
    assert_eq!(texts(&batch, "a"), [some("1"), some("one"), some(r#"{"k":[true,null]}"#)]);
    // Neither a double nor a 64-bit integer holds all of them.
    assert_eq!(texts(&batch, "b"), [some("9007199254740993"), some("0.5"), some("18446744073709551615")]);
    assert_eq!(texts(&batch, "c"), [some(r#"{"x":1}"#), some("[1]"), None]);
    let items = batch.column(3).as_list::<i32>().value(2);
    assert_eq!(items.as_string::<i32>().value(0), "x");
}

#[test]
fn values_that_are_no_objects_have_one_column() {
    assert_eq!(types(&columns(&["1", "2"])), [("value".to_owned(), DataType::Int64)]);
    let batch = columns(&["1", r#"{"a":1}"#, r#""x""#]);
    assert_eq!(texts(&batch, "value"), [some("1"), some(r#"{"a":1}"#), some("x")]);
    // An object without fields has no columns to be a struct of.
    assert_eq!(texts(&columns(&["{}"]), "value"), [some("{}")]);
    assert_eq!(texts(&columns(&[r#"{"o":{}}"#]), "o"), [some("{}")]);
}

#[test]
fn the_last_of_equal_names_counts_and_order_does_not() {
    let batch = columns(&[r#"{"a":1,"b":2,"a":3}"#, r#"{"b":5,"a":4}"#]);
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().values(), &[3, 4]);
    assert_eq!(batch.column(1).as_primitive::<Int64Type>().values(), &[2, 5]);
}

#[test]
fn objects_with_data_for_names_stay_text() {
    let many = (0..1001).map(|n| format!(r#""k{n}":{n}"#)).collect::<Vec<_>>().join(",");
    let batch = columns(&[&format!(r#"{{"id":1,"m":{{{many}}}}}"#)]);
    assert_eq!(types(&batch)[1], ("m".to_owned(), DataType::Utf8));
    assert_eq!(texts(&batch, "m")[0].as_ref().unwrap().len(), many.len() + 2);
}

#[test]
fn what_comes_after_the_sample_is_kept_beside_the_columns() {
    let mut sample = Sample::default();
    sample.take(&rows(&[r#"{"id":1,"o":{"a":1},"l":[1],"_unmapped":"taken"}"#]));
    let (columns, _) = sample.fix(false);
    let late = columns
        .rows(&rows(&[
            r#"{"id":2,"o":{"a":2},"l":[2]}"#,
            r#"{"id":"three","o":{"a":3,"b":{"c":1}},"l":[3,"x"],"new":true}"#,
            "[4]",
            r#"{"id":5}"#,
        ]))
        .unwrap();
    let names: Vec<_> = late.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["id", "o", "l", "_unmapped", "_unmapped_"]);
    let ids = late.column(0).as_primitive::<Int64Type>();
    assert_eq!(ids.iter().collect::<Vec<_>>(), [Some(2), None, None, Some(5)]);
    let inner = late.column(1).as_struct().column(0).as_primitive::<Int64Type>().clone();
    assert_eq!((inner.value(0), inner.value(1)), (2, 3));
    assert!(late.column(2).is_null(1), "a list is kept whole or not at all");
    assert_eq!(
        texts(&late, "_unmapped_"),
        [None, some(r#"{"id":"three","o":{"b":{"c":1}},"l":[3,"x"],"new":true}"#), some("[4]"), None]
    );
}

#[test]
fn the_sample_ends_at_the_same_row_however_batches_are_cut() {
    let row = format!(r#"{{"text":"{}"}}"#, "x".repeat(SAMPLE_BYTES / 4));
    let mut whole = Sample::default();
    let rest = whole.take(&rows(&[row.as_str(); 7])).unwrap();
    assert_eq!((rest.len(), whole.is_full()), (3, true));
    let mut single = Sample::default();
    let taken = (0..7).take_while(|_| single.take(&rows(&[&row])).is_none()).count();
    assert_eq!(taken, 4);
}

#[test]
fn rows_that_are_no_json_are_refused_without_their_text() {
    for bad in ["", "{", "secret", "1,2", "1],[2", r#"{"a":1}}"#] {
        let refused = parse(&StringArray::from(vec!["1", bad, "2"])).unwrap_err();
        assert_eq!(refused.len(), 1, "{bad}");
        assert_eq!(refused[0].row, 1);
        assert!(!refused[0].why.contains("secret"));
    }
    // Rows that would make up for each other if only values were counted.
    for rows in [["1,2", "[3", "4]"], ["1,2,3", "[4", "5]"]] {
        assert!(parse(&StringArray::from(rows.to_vec())).is_err(), "{rows:?}");
    }
}

#[test]
fn deep_nesting_is_text_and_absurd_nesting_is_refused() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let batch = columns(&[&format!(r#"{{"a":{}}}"#, deep(40))]);
    assert!(format!("{:?}", types(&batch)).contains("Utf8"));
    assert!(parse(&StringArray::from(vec![deep(100_000)])).is_err());
    // Brackets within a text are no nesting.
    assert!(parse(&StringArray::from(vec![format!(r#""{}\"""#, "[".repeat(5000))])).is_ok());
}
