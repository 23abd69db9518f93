//! Why a payload was refused, and where in it.

use millstream_api::{ConverterRole, Error};

use super::cursor::SyntaxError;

/// What is wrong with a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// The text is not JSON.
    Syntax(SyntaxError),
    /// The value is none of the schema's type.
    Expected(&'static str),
    /// The object is no envelope of schema and payload.
    Envelope,
    /// The batch holds too many bytes for one column.
    Full,
}

/// A value that cannot be read, with the way to it from the inside out. Never holds the value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    wrong: Wrong,
    path: Vec<String>,
}

pub(super) type Fit<T = ()> = Result<T, Box<Misfit>>;

impl Misfit {
    pub fn expected(what: &'static str) -> Box<Self> {
        Wrong::Expected(what).into()
    }

    /// Inside this field.
    pub fn in_field(mut self: Box<Self>, name: &str) -> Box<Self> {
        self.path.push(format!(".{name}"));
        self
    }

    /// Inside this item of an array or entry of a map.
    pub fn in_item(mut self: Box<Self>, index: usize) -> Box<Self> {
        self.path.push(format!("[{index}]"));
        self
    }

    /// The error of a row. `start`: where the cursor's text begins in the payload bytes.
    pub fn into_error(self, part: &str, start: usize) -> Error {
        match self.wrong {
            Wrong::Syntax(SyntaxError { expected, at }) => {
                Error::data(format!("the {part} is not JSON: expected {expected} at byte {}", start + at))
            }
            Wrong::Expected(what) => {
                let path: String = self.path.iter().rev().map(String::as_str).collect();
                Error::data(format!("the {part} does not fit its schema: expected {what} at payload{path}"))
            }
            Wrong::Envelope => Error::data(format!(
                "the {part} is no envelope: expected an object of exactly two fields, schema and payload"
            ))
            .hint(format!("set {part}.converter.schemas.enable=false if the records are plain JSON")),
            Wrong::Full => Error::data(format!("the {part} does not fit into a batch of 2 GiB")),
        }
    }
}

impl From<Wrong> for Box<Misfit> {
    fn from(wrong: Wrong) -> Self {
        Box::new(Misfit { wrong, path: Vec::new() })
    }
}

impl From<SyntaxError> for Box<Misfit> {
    fn from(error: SyntaxError) -> Self {
        Wrong::Syntax(error).into()
    }
}

/// The word for what a converter instance reads.
pub(super) fn part_name(role: ConverterRole) -> &'static str {
    match role {
        ConverterRole::Key => "key",
        ConverterRole::Value => "value",
        ConverterRole::Header => "header",
    }
}
