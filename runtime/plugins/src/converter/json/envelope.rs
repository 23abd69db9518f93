//! Finding schema and payload in an envelope.

use super::cursor::{Cursor, Kind};
use super::misfit::{Fit, Wrong};

/// The two parts of `{"schema":..,"payload":..}`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Envelope<'a> {
    pub schema: &'a str,
    pub payload: &'a str,
    /// Where the payload begins.
    pub payload_start: usize,
    /// Everything before the payload is the schema: equal bytes there mean the same schema.
    pub schema_first: bool,
}

/// Takes an envelope apart. It has exactly two fields, in any order.
pub(super) fn split(text: &str) -> Fit<Envelope<'_>> {
    let mut cursor = Cursor::new(text);
    if cursor.kind()? != Kind::Object {
        cursor.skip_value()?;
        cursor.end()?;
        return Err(Wrong::Envelope.into());
    }
    let (mut schema, mut payload, mut only_these, mut schema_first, mut twice) = (None, None, true, false, false);
    cursor.expect(b'{', "an object")?;
    let mut open = !cursor.eat(b'}');
    while open {
        let name = cursor.string()?;
        cursor.expect(b':', "a colon")?;
        cursor.skip_blanks();
        let start = cursor.position();
        cursor.skip_member()?;
        let value = cursor.slice_from(start);
        match name.as_ref() {
            // A name given twice counts the last time, as in Java.
            "schema" => {
                twice |= schema.is_some();
                schema = Some(value);
            }
            "payload" => {
                schema_first = schema.is_some();
                twice |= payload.is_some();
                payload = Some((value, start));
            }
            _ => only_these = false,
        }
        open = cursor.eat(b',');
        if !open {
            cursor.expect(b'}', "a comma or the end of an object")?;
        }
    }
    cursor.end()?;
    match (schema, payload) {
        (Some(schema), Some((payload, payload_start))) if only_these => {
            Ok(Envelope { schema, payload, payload_start, schema_first: schema_first && !twice })
        }
        _ => Err(Wrong::Envelope.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_and_nothing_else() {
        let envelope = split(r#" { "schema" : {"type":"int32"}, "payload" : 1 } "#).unwrap();
        assert_eq!((envelope.schema, envelope.payload, envelope.schema_first), (r#"{"type":"int32"}"#, "1", true));
        assert!(!split(r#"{"payload":1,"schema":null}"#).unwrap().schema_first);
        let envelope = split(r#"{"schema":1,"schema":2,"payload":3,"payload":4}"#).unwrap();
        assert_eq!((envelope.schema, envelope.payload, envelope.schema_first), ("2", "4", false));
        for bad in [
            "1",
            "{}",
            "[]",
            r#"{"schema":null}"#,
            r#"{"payload":1}"#,
            r#"{"schema":null,"payload":1,"x":2}"#,
            r#"{"x":1,"schema":null,"payload":1}"#,
            r#"{"schema":null,"payload":1} x"#,
            "{bad",
        ] {
            assert!(split(bad).is_err(), "{bad}");
        }
    }
}
